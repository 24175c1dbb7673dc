// src/generated/ffi/by_hand.ts: what src/ffi/by_hand has to provide.
import { banner } from '../../emit/banner.js';
import type { Ffi, FfiFunction } from '../model.js';
import { docComment, signatureText } from './functions.js';
import { importsOf } from './imports.js';

/** Path below src/ and text. */
export function emitByHand(ffi: Ffi): readonly [string, string] {
  const path = 'generated/ffi/by_hand.ts';
  const functions = ffi.functions.filter((fn) => fn.byHand !== null);
  const code = `/** The functions that are written by hand. */
export interface ByHandFunctions {
${functions.map(emitSignature).join('')}}

/** What is known of each, and why it is not generated. */
export const byHand = {
${functions.map(emitFacts).join('')}} as const;`;
  return [path, `${banner}\n${importsOf(ffi, path, code, 'types')}\n\n${code}\n`];
}

function emitSignature(fn: FfiFunction): string {
  return `  ${docComment(fn)}\n  readonly ${fn.name}: LibvirtFunction<${signatureText(fn, '  ')}>;\n`;
}

function emitFacts({ id, name, library, since, prototype, byHand }: FfiFunction): string {
  const reason = (byHand ?? '').replaceAll("'", "\\'");
  return `  ${name}: {
    id: ${id}, name: '${name}', library: '${library}', since: '${since}',
    prototype: '${prototype}',
    reason: '${reason}',
  },\n`;
}
