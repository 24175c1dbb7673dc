// src/generated/ffi/constants.ts: every constant of every enum, and what libvirt's headers define by macros.
import { banner } from '../../emit/banner.js';
import type { RawFacts } from '../../facts.js';
import type { Api } from '../../model.js';
import { isFlagsEnum } from '../constants.js';
import type { Ffi } from '../model.js';

/** Path below src/ and text. */
export function emitConstants(api: Api, ffi: Ffi, facts: RawFacts): readonly [string, string] {
  const enums = [...api.enums].map(([name, values]) => emitEnum(name, values, facts, ffi));
  const macros = [...ffi.constants].map(([name, value]) => {
    return emitConstant(name, typeof value === 'string' ? `'${value}'` : value, facts.constants[name]?.since);
  });
  return ['generated/ffi/constants.ts', `${banner}\n\n${[...enums, macros.join('')].join('\n')}`];
}

function emitEnum(name: string, values: ReadonlyMap<string, number>, facts: RawFacts, ffi: Ffi): string {
  const since = new Map(facts.enums[name]?.values.map((value) => [value.name, value.since]));
  const sorted = [...values].sort(([, a], [, b]) => a - b);
  const constants = sorted.map(([constant, value]) => emitConstant(constant, value, since.get(constant)));
  const flags = isFlagsEnum(name, ffi.isFlags);
  const literals = [...new Set(sorted.map(([, value]) => value))].join(' | ');
  return `/** libvirt's \`${name}\`${flags ? ': bits to combine' : ''}. */
export type ${name} = ${flags ? 'number' : literals};
${constants.join('')}`;
}

function emitConstant(name: string, value: string | number, since: string | undefined): string {
  return `/** Since libvirt ${since}. */\nexport const ${name} = ${value};\n`;
}
