// Numbers and strings that libvirt's headers define by macros.
import type { RawConstant, RawFacts } from '../facts.js';
import { buildEach } from './problems.js';

export type ConstantValue = number | string;

/** Constant name -> value. Macros that name a struct are left out; what is not understood is a problem. */
export function resolveConstants(
  facts: RawFacts,
  enumConstants: ReadonlyMap<string, number>,
  problems: string[],
): ReadonlyMap<string, ConstantValue> {
  const names = Object.keys(facts.constants).filter((name) => !name.startsWith('_'));
  const items = names.map((name) => ({ name }));
  return new Map(
    buildEach(items, problems, ({ name }) => [name, constantValue(name, facts.constants, enumConstants)] as const),
  );
}

function constantValue(
  name: string,
  constants: Readonly<Record<string, RawConstant>>,
  enumConstants: ReadonlyMap<string, number>,
): ConstantValue {
  const { string, raw = '' } = constants[name] ?? {};
  if (string !== undefined) return string;
  const text = raw.replace(/\/\*.*?\*\//g, '').trim();
  const value =
    enumConstants.get(text) ?? (text in constants ? constantValue(text, constants, enumConstants) : sum(text));
  if (value === undefined) throw new Error(`the value \`${raw}\` is not understood`);
  return value;
}

/** "(256 + 1)", "16", "9007199254740991LL" */
function sum(text: string): number | undefined {
  const terms = text.replace(/^\((.*)\)$/, '$1').split('+');
  const numbers = terms.map((term) => Number(/^\s*(\d+)(?:U|L)*\s*$/.exec(term)?.[1] ?? Number.NaN));
  const total = numbers.reduce((a, b) => a + b, 0);
  return Number.isSafeInteger(total) ? total : undefined;
}

/** Whether the values of an enum are bits that callers combine. */
export function isFlagsEnum(name: string, saysSo: (name: string) => boolean): boolean {
  return /Flag(s|Values)/.test(name) || saysSo(name);
}
