/** The timeline as lines for people: `2026-01-31 14:02:11 demo stopped (destroyed) by alice (auid 1000), virsh, ...`. */
import { printable } from '../../printable.js';
import { placeOf } from '../../report/entry_order.js';
import type { CallEvent, HostEvent } from '../../report/event.js';
import { securityText } from '../../report/rows.js';
import type { CallEntry, GuestTimeline, Timeline, TimelineEntry } from '../../report/timeline.js';
import type { NameOf } from './caller_text.js';
import { changeText, entryText, type SuspensionsByCall } from './entry_text.js';
import { momentText } from './table.js';

interface Line {
  readonly place: number;
  readonly text: string;
}

/** All guests' entries by time, and what happened to the host or to nobody in particular. */
export function* timelineLines(timeline: Timeline, nameOf: NameOf): Generator<string> {
  const { guests, otherCalls, hosts, unmatched } = timeline;
  const lines = [
    ...guests.flatMap((guest) => guestLines(guest, nameOf)),
    ...otherCalls.map((call) => plainLine(call.time, otherCallText(call, nameOf))),
    ...hosts.map(({ time, kind, proof }) => plainLine(time, hostText(kind, proof.node))),
    ...unmatched.map((event) => plainLine(event.time, `${event.type} of no guest: ${securityText(event)}`)),
  ];
  for (const { text } of lines.sort((a, b) => a.place - b.place)) yield text;
}

function plainLine(time: number, text: string): Line {
  return { place: time, text: `${momentText(time)} ${printable(text)}\n` };
}

function hostText(kind: HostEvent['kind'], node: string | undefined): string {
  return `host${node === undefined ? '' : ` ${node}`} ${kind === 'boot' ? 'boots' : 'shuts down'}`;
}

/** `storage-pool default: virStoragePoolDestroy by ...`: a call that is about no guest. */
export function otherCallText(call: CallEvent, nameOf: NameOf): string {
  return [printable(targetOf(call)), entryText(entryOf(call), new Map(), nameOf)].filter(Boolean).join(' ');
}

/** A stop tells of the call that made it; the call alone is news where it only asked for the stop, earlier. */
export function isNews(entry: TimelineEntry): boolean {
  return entry.kind !== 'call' || !entry.effects.some(({ time }) => time <= endOf(entry.call) + AT_ONCE);
}

const AT_ONCE = 2000;

const endOf = ({ time, duration = 0 }: CallEvent): number => time + duration;

function guestLines({ guest, entries, suspensions }: GuestTimeline, nameOf: NameOf): Line[] {
  const byCall = new Map(suspensions.map((suspension) => [suspension.began, suspension]));
  const name = guest.name ?? guest.uuid ?? '?';
  return entries.filter(isNews).map((entry) => lineOf(entry, nameThen(entry) ?? name, byCall, nameOf));
}

/** The guest may have had another name. */
function nameThen(entry: TimelineEntry): string | undefined {
  if ('call' in entry) return entry.call.guest.name;
  return 'event' in entry ? entry.event.guest.name : undefined;
}

function lineOf(entry: TimelineEntry, name: string, suspensions: SuspensionsByCall, nameOf: NameOf): Line {
  const head = [momentText(entry.time), printable(name), entryText(entry, suspensions, nameOf)];
  const changes = 'changes' in entry ? (entry.changes ?? []) : [];
  const text = [head.filter(Boolean).join(' '), ...changes.map((change) => `    ${changeText(change)}`), ''];
  return { place: placeOf(entry), text: text.join('\n') };
}

const targetOf = ({ target }: CallEvent): string => (target === undefined ? '' : `${target.kind} ${target.name ?? ''}`);

function entryOf(call: CallEvent): CallEntry {
  const kind =
    call.verdict === 'denied'
      ? 'denial'
      : call.success === undefined
        ? 'unanswered'
        : call.success
          ? 'call'
          : 'failure';
  return { kind, time: call.time, call, effects: [], alsoSeen: [] };
}
