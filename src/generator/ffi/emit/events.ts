// src/generated/ffi/events.ts: which listener hears which event.
import { banner } from '../../emit/banner.js';
import type { Api } from '../../model.js';
import type { Ffi } from '../model.js';
import type { RawEvents } from '../raw.js';
import { importsOf } from './imports.js';

const types = `type Listeners = typeof eventListeners;

/** The numbers of the events that the function \`Register\` registers listeners for. */
export type EventOf<Register extends keyof Listeners> = keyof Listeners[Register] & number;

/** The listener of one event. */
export type EventListener<Register extends keyof Listeners, Event extends EventOf<Register>> =
  CallbackListeners[Listeners[Register][Event] & keyof CallbackListeners];`;

/** Path below src/ and text. */
export function emitEvents(api: Api, ffi: Ffi): readonly [string, string] {
  const path = 'generated/ffi/events.ts';
  const tables = ffi.events.map((events) => `  ${events.register}: {\n${emitRows(api, events)}  },\n`);
  const code = `/** The callback that libvirt really calls: by the function that registers it, and by the number of the event. */
export const eventListeners = {\n${tables.join('')}} as const;

${types}`;
  return [path, `${banner}\n${importsOf(ffi, path, code)}\n\n${code}\n`];
}

function emitRows(api: Api, { enum: enumName, listeners }: RawEvents): string {
  const ids = api.enums.get(enumName);
  const rows = Object.entries(listeners).map(([constant, callback]) => [ids?.get(constant) ?? -1, callback] as const);
  const sorted = rows.sort(([a], [b]) => a - b);
  return sorted.map(([id, callback]) => `    ${id}: '${callback}',\n`).join('');
}
