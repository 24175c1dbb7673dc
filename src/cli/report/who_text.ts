/** The answer to "who stopped my guest?", in words. */
import { printable } from '../../printable.js';
import type { CallEvent } from '../../report/event.js';
import type { GuestTimeline, StartEntry } from '../../report/timeline.js';
import type { GuestStop, WhoAnswer } from '../../report/who.js';
import { callerText, causeText, type NameOf, requestText } from './caller_text.js';
import { controlText, lostText } from './entry_text.js';
import { momentText } from './table.js';

/** @param all every stop and attempt, not the last ones alone */
export function whoText(answer: WhoAnswer, all: boolean, nameOf: NameOf): string {
  const { guest, stops, running, refusedSince, requestsSince } = answer;
  const name = guestText(guest);
  const shown = all ? stops : stops.slice(-1);
  const since = running === undefined ? 'after that' : 'since then';
  const lines = [
    ...shown.flatMap((stop) => stopLines(name, stop, all, nameOf)),
    ...(stops.length === 0 ? [`${name} did not stop, as far as these logs tell`] : []),
    ...(running === undefined ? [] : [runningText(running, nameOf)]),
    ...refusals(since, refusedSince, all, nameOf),
    ...requestsSince.map(
      (call) => `  ${requestText(call)} by ${callerText(call, nameOf)}: no stop is recorded after it`,
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function runningText({ time, event, cause }: StartEntry, nameOf: NameOf): string {
  return `  it runs since ${momentText(time)}: ${controlText(event)}${causeText(cause, nameOf)}`;
}

const LISTED = 5;

function refusals(when: string, calls: readonly CallEvent[], all: boolean, nameOf: NameOf): string[] {
  const shown = all ? calls : calls.slice(-LISTED);
  const lines = shown.map((call) => `  ${when} refused: ${requestText(call)} by ${callerText(call, nameOf)}`);
  const left = calls.length - shown.length;
  return left === 0 ? lines : [`  ${when} refused: ${left} earlier ones that --all tells`, ...lines];
}

/** Safe to print. */
export function guestText({ guest: { name, uuid } }: GuestTimeline): string {
  return printable(name === undefined ? (uuid ?? '?') : uuid === undefined ? name : `${name} (${uuid})`);
}

function stopLines(name: string, { entry, refused }: GuestStop, all: boolean, nameOf: NameOf): string[] {
  const at = momentText(entry.time);
  const attempts = refusals('before that', refused, all, nameOf);
  switch (entry.kind) {
    case 'stop': {
      const cause = causeText(entry.cause, nameOf);
      const unknown = entry.cause.kind === 'none' ? [`  ${explanation(entry.event.reason)}`] : [];
      return [`${name} ${controlText(entry.event)} ${at}${cause}`, ...unknown, ...attempts];
    }
    case 'lost':
      return [`${name} ${lostText(entry.end)} ${at}`, ...attempts];
    default: {
      const { call } = entry;
      const missing = "  libvirt's own record of it is in none of these logs";
      return [
        `${name} was stopped by ${printable(call.operation)} ${at} by ${callerText(call, nameOf)}`,
        missing,
        ...attempts,
      ];
    }
  }
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  shutdown: 'the guest shut down from inside, or a program asked for it without the shim',
  destroyed:
    'a program did it without the shim, or libvirt did: the guest panicked, or the connection closed that it hung on',
  saved: 'a program did it without the shim, or libvirt as its daemon or the host went down',
  migrated: 'a program moved it without the shim, perhaps from another host',
  crashed: 'the guest crashed',
  failed: 'its process ended without a word: it crashed, or a signal killed it',
};

/** What it can be that nobody asked for through the shim. */
function explanation(reason: string | undefined): string {
  return EXPLANATIONS[reason ?? ''] ?? 'a program did it without the shim, or libvirt itself';
}
