/** The timeline as lines for people: `2026-01-31 14:02:11 demo stopped (destroyed) by alice (auid 1000), virsh, ...`. */
import { printable } from '../../printable.js';
import type { CallEvent } from '../../report/event.js';
import type { CallEntry, GuestTimeline, Timeline, TimelineEntry } from '../../report/timeline.js';
import type { NameOf } from './caller_text.js';
import { changeText, entryText } from './entry_text.js';
import { momentText } from './table.js';

interface Line {
  readonly time: number;
  readonly text: string;
}

/** All guests' entries by time. */
export function* timelineLines({ guests, otherCalls }: Timeline, nameOf: NameOf): Generator<string> {
  const nobody: GuestTimeline = { guest: {}, formerNames: [], sessions: [], suspensions: [], entries: [] };
  const lines: Line[] = [
    ...guests.flatMap((guest) => guest.entries.filter(isNews).map((entry) => lineOf(entry, guest, nameOf))),
    ...otherCalls.map((call) => lineOf(entryOf(call), nobody, nameOf)),
  ];
  for (const { text } of lines.sort((a, b) => a.time - b.time)) yield text;
}

/** A stop tells of the call that made it; the call alone is news where it only asked for the stop, earlier. */
export function isNews(entry: TimelineEntry): boolean {
  return entry.kind !== 'call' || !entry.effects.some(({ time }) => time <= endOf(entry.call) + AT_ONCE);
}

const AT_ONCE = 2000;

const endOf = ({ time, duration = 0 }: CallEvent): number => time + duration;

function lineOf(entry: TimelineEntry, guest: GuestTimeline, nameOf: NameOf): Line {
  const name = guest.guest.name ?? guest.guest.uuid ?? targetOf(entry);
  const head = [momentText(entry.time), printable(name), entryText(entry, guest, nameOf)].filter(Boolean).join(' ');
  const changes = 'changes' in entry ? (entry.changes ?? []) : [];
  return { time: entry.time, text: [head, ...changes.map((change) => `    ${changeText(change)}`), ''].join('\n') };
}

function targetOf(entry: TimelineEntry): string {
  const target = 'call' in entry ? entry.call.target : undefined;
  return target === undefined ? '' : `${target.kind} ${target.name ?? ''}`.trim();
}

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
