// src/generated/ffi/types.ts: the handles.
import { banner } from '../../emit/banner.js';
import { type ObjectKind, objectKinds } from '../../vocabulary.js';
import type { Ffi } from '../model.js';
import { importsOf } from './imports.js';

/** Path below src/ and text. */
export function emitTypes(ffi: Ffi): readonly [string, string] {
  const path = 'generated/ffi/types.ts';
  const kinds = Object.keys(objectKinds).filter((kind): kind is ObjectKind => kind !== 'None');
  const code = kinds.map(emitPointer).join('\n');
  return [path, `${banner}\n${importsOf(ffi, path, code)}\n\n${code}\n`];
}

function emitPointer(kind: ObjectKind): string {
  return `/** A handle: libvirt's \`vir${kind} *\`. */\nexport type vir${kind}Ptr = Pointer<'vir${kind}'>;`;
}
