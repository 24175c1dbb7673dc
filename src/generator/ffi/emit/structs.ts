// src/generated/ffi/structs.ts: an interface and a layout per struct, under the same name.
import { banner } from '../../emit/banner.js';
import type { Ffi } from '../model.js';
import type { Struct, StructField } from '../structs.js';
import { importsOf } from './imports.js';

/** Path below src/ and text. */
export function emitStructs(ffi: Ffi): readonly [string, string] {
  const path = 'generated/ffi/structs.ts';
  const code = ffi.structs.map(emitStruct).join('\n\n');
  return [path, `${banner}\n${importsOf(ffi, path, code)}\n\n${code}\n`];
}

function emitStruct({ name, since, size, fields }: Struct): string {
  const shown = fields.filter(({ descriptor }) => descriptor !== null);
  return `/** \`${name}\`, since libvirt ${since}. */
export interface ${name} {
${shown.map((field) => `  readonly ${field.name}: ${field.tsType};\n`).join('')}}

/** Layout of \`${name}\`. */
export const ${name} = struct<${name}>(${name.length < 30 ? `'${name}', ${size}, ` : `\n  '${name}',\n  ${size},\n  `}[
${shown.map((field) => `  ${emitField(field)},\n`).join('')}]${emitReader(shown)});`;
}

const readable = /^field\.(u?char|u?short|u?int|u?long|u?longlong|size|double|string|text)$/;

/** All fields in one expression, where none is more than a value or a string. */
function emitReader(fields: readonly StructField[]): string {
  if (!fields.every(({ descriptor }) => readable.test(descriptor?.codec ?? ''))) return '';
  const values = fields.map(({ name, offset, descriptor }) => {
    const [, kind] = readable.exec(descriptor?.codec ?? '') ?? [];
    const args = ['view', offset === 0 ? 'at' : `at + ${offset}`, ...(descriptor?.args ?? [])];
    return `  ${name}: read.${kind}(${args.join(', ')}),\n`;
  });
  return `, (view, at) => ({\n${values.join('')}})`;
}

function emitField({ name, offset, descriptor }: StructField): string {
  const args = [`'${name}'`, offset, ...(descriptor?.args ?? [])];
  return `${descriptor?.codec}(${args.join(', ')})`;
}
