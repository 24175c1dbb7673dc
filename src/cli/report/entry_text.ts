/** The entries of a guest's timeline, in words. What comes from records is made safe to print. */
import { printable } from '../../printable.js';
import type { CallEvent, ControlEvent, ResourceEvent } from '../../report/event.js';
import { securityText } from '../../report/rows.js';
import type { SessionEnd } from '../../report/session.js';
import type { CallEntry, Suspension, TimelineEntry } from '../../report/timeline.js';
import type { XmlChange } from '../../report/xml_difference.js';
import { callerText, causeText, type NameOf } from './caller_text.js';
import { durationText } from './table.js';

/** By the call that began it. */
export type SuspensionsByCall = ReadonlyMap<CallEvent, Suspension>;

/** What happened, to go after the guest's name: `stopped (destroyed) by alice (auid 1000), virsh, ...`. */
export function entryText(entry: TimelineEntry, suspensions: SuspensionsByCall, nameOf: NameOf): string {
  switch (entry.kind) {
    case 'start':
    case 'stop':
      return controlText(entry.event) + causeText(entry.cause, nameOf);
    case 'lost':
      return lostText(entry.end);
    case 'resource':
      return resourceText(entry.event) + causeText(entry.cause, nameOf);
    case 'security':
      return printable(`${entry.match.event.type}: ${securityText(entry.match.event)}`);
    default:
      return callText(entry, nameOf) + suspensionText(suspensions.get(entry.call));
  }
}

/** `stopped (destroyed)`, `failed to start (booted)`. */
export function controlText({ operation, reason, success }: ControlEvent): string {
  const how = reason === undefined ? '' : ` (${printable(reason)})`;
  if (!success) return `failed to ${operation}${how}`;
  return `${operation === 'start' ? 'started' : 'stopped'}${how}`;
}

export function lostText({ kind }: SessionEnd): string {
  if (kind === 'shutdown') return 'stopped (the host shut down)';
  return kind === 'boot'
    ? 'stopped before this, unrecorded: the host boots'
    : 'stopped before this, unrecorded: it starts again';
}

function resourceText({ resource, reason, before, after, success }: ResourceEvent): string {
  const values = [before, after].filter((value) => value !== undefined).join(' -> ');
  return printable(`${resource} ${reason ?? 'change'}${success ? '' : ' failed'}: ${values || '?'}`);
}

function callText({ kind, call }: CallEntry, nameOf: NameOf): string {
  const who = `by ${callerText(call, nameOf)}`;
  const what = printable(call.operation);
  if (kind === 'denial') return `${what} denied, asked for ${who}`;
  if (kind === 'failure') return `${what} failed${errorText(call)}, asked for ${who}`;
  if (kind === 'unanswered') return `${what} ${who}, without a recorded outcome`;
  return call.verdict === 'would-deny' ? `${what} (permitted, but would be denied) ${who}` : `${what} ${who}`;
}

function errorText({ error }: CallEvent): string {
  if (error === undefined) return '';
  return printable(` (${error.message ?? `libvirt error ${error.code}`})`);
}

/** How long the guest stood still after the call that began it. */
function suspensionText(begun: Suspension | undefined): string {
  if (begun === undefined) return '';
  return begun.end === undefined ? ', suspended since' : `, suspended for ${durationText(begun.end - begun.start)}`;
}

/** `~ memory: 65536 -> 131072`, `+ devices/disk[vdb]: <disk ...>`, `- ...`. */
export function changeText({ kind, path, before, after }: XmlChange): string {
  const sign = { added: '+', removed: '-', changed: '~' }[kind];
  // JSON has it.
  if (path === '') return `${sign} the whole definition`;
  return printable(`${sign} ${path}: ${kind === 'changed' ? `${before} -> ${after}` : (after ?? before)}`);
}
