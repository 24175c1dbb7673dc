// src/generated/ffi/types.ts: the handles, and which listener hears which event.
import { banner } from '../../emit/banner.js';
import { type ObjectKind, objectKinds } from '../../vocabulary.js';
import type { Ffi } from '../model.js';
import { importsOf } from './imports.js';

const events = `type ByEventId = typeof callbacksByEventId;

/** The numbers of the events that the function \`Register\` registers listeners for. */
export type EventOf<Register extends keyof ByEventId> = keyof ByEventId[Register] & number;

/** The listener of one event. */
export type EventListener<Register extends keyof ByEventId, Event extends EventOf<Register>> =
  CallbackListeners[ByEventId[Register][Event] & keyof CallbackListeners];`;

/** Path below src/ and text. */
export function emitTypes(ffi: Ffi): readonly [string, string] {
  const path = 'generated/ffi/types.ts';
  const kinds = Object.keys(objectKinds).filter((kind): kind is ObjectKind => kind !== 'None');
  const code = `${kinds.map(emitPointer).join('\n')}\n\n${events}`;
  return [path, `${banner}\n${importsOf(ffi, path, code)}\n\n${code}\n`];
}

function emitPointer(kind: ObjectKind): string {
  return `/** A handle: libvirt's \`vir${kind} *\`. */\nexport type vir${kind}Ptr = Pointer<'vir${kind}'>;`;
}
