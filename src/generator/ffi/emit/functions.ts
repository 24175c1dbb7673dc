// src/generated/ffi/functions/*.ts, one module per module of libvirt's documentation, and functions.ts over all.
import { banner } from '../../emit/banner.js';
import type { Codec } from '../codec.js';
import type { Ffi, FfiFunction } from '../model.js';
import { importsOf } from './imports.js';

const folder = 'generated/ffi/';
const lineWidth = 120;
// What stands before it on its line has room, too.
const longestBeside = 60;

/** Path below src/ -> text. */
export function emitFunctions(ffi: Ffi): readonly (readonly [string, string])[] {
  const generated = ffi.functions.filter((fn) => fn.byHand === null);
  const groups = [...new Set(generated.map(({ group }) => group))].sort();
  const modules = groups.map((group) => {
    const path = `${folder}functions/${moduleName(group)}.ts`;
    const code = generated
      .filter((fn) => fn.group === group)
      .map(emitFunction)
      .join('\n\n');
    return [path, `${banner}\n${importsOf(ffi, path, code)}\n\n${code}\n`] as const;
  });
  const all = groups.map((group) => `export * from './functions/${moduleName(group)}.js';\n`);
  return [...modules, [`${folder}functions.ts`, `${banner}\n${all.join('')}`]];
}

function moduleName(group: string): string {
  return group.replace(/^libvirt-/, '').replaceAll('-', '_');
}

function emitFunction(fn: FfiFunction): string {
  const { id, name, library, since } = fn;
  return `${docComment(fn)}
export const ${name} = define<${signatureText(fn, '')}>({
  id: ${id}, name: '${name}', library: '${library}', since: '${since}',
  prototype: '${fn.prototype}',
  args: [${emitCodecs(fn.codecs)}],
  returns: ${fn.returns?.text},${emitExtras(fn)}
});`;
}

function emitExtras({ failure, orderArg }: FfiFunction): string {
  return `${failure === null ? '' : `\n  failure: '${failure}',`}${orderArg < 0 ? '' : `\n  order: ${orderArg},`}`;
}

/** The type of the function in JavaScript; it goes over several lines where it is long. */
export function signatureText({ typeParams, jsParams, resultType }: FfiFunction, indent: string): string {
  const params = jsParams.map(({ name, tsType, optional }) => `${name}${optional ? '?' : ''}: ${tsType}`);
  const line = `${typeParams}(${params.join(', ')}) => ${resultType}`;
  if (line.length <= longestBeside && typeParams === '') return line;
  if (indent.length + line.length + 2 <= lineWidth) return `\n${indent}  ${line}\n${indent}`;
  const lines = params.map((param) => `\n${indent}    ${param},`).join('');
  return `\n${indent}  ${typeParams}(${lines}\n${indent}  ) => ${resultType}\n${indent}`;
}

function emitCodecs(codecs: readonly Codec[]): string {
  const calls = codecs.map(({ maker, name, args }) => `${maker}('${name}', ${args.join(', ')})`);
  const line = calls.join(', ');
  return line.length < lineWidth - 12 ? line : `\n${calls.map((call) => `    ${call},\n`).join('')}  `;
}

/** A doc comment: what it is, and to whom a handle belongs. */
export function docComment({ name, since, resultObject, resultBorrowed, byHand }: FfiFunction): string {
  const head = `\`${name}\`, since libvirt ${since}.`;
  if (resultObject === 'None' || byHand !== null) return `/** ${head} */`;
  const ownership = resultBorrowed
    ? 'The handle is borrowed: it lives as long as the object that it was asked of, and is not to be freed.'
    : 'The caller owns the handle.';
  return `/**\n * ${head}\n * ${ownership}\n */`;
}
