/** Timeline -> the data of the page. */
import type { Attribution } from '../attribution.js';
import type { CallEvent, ControlEvent, HostEvent, Proof, SecurityEvent } from '../event.js';
import { endText, securityText } from '../rows.js';
import type { GuestTimeline, Suspension, Timeline, TimelineEntry, TimelineSession } from '../timeline.js';
import { type Fact, Facts, known } from './facts.js';
import type { EntryKind, PageBar, PageData, PageEntry, PageGuest } from './page_data.js';

export interface PageWords {
  /** Makes sentences about a guest's entries, to go after its name. */
  of(guest: GuestTimeline): (entry: TimelineEntry) => string;
  /** A sentence about a call that is about no guest. */
  call(call: CallEvent): string;
  /** The name of an account, where it is known. */
  account(uid: number): string | undefined;
}

export interface PageOptions {
  readonly title: string;
  readonly words: PageWords;
  /** When the page is made; milliseconds since 1970. */
  readonly made: number;
}

export function pageData(timeline: Timeline, { title, words, made }: PageOptions): PageData {
  const facts = new Facts((uid) => words.account(uid));
  const ofGuests = timeline.guests.flatMap((guest, index) => {
    const sentence = words.of(guest);
    return guest.entries.map((entry): PageEntry => ({ ...entryOf(entry, sentence(entry), facts), guest: index }));
  });
  const others = timeline.otherCalls.map((call) => callEntry(call, words.call(call), facts));
  const unmatched = timeline.unmatched.map((event) => securityEntry(event, facts));
  const entries = [...ofGuests, ...others, ...timeline.hosts.map(hostEntry), ...unmatched];
  entries.sort((a, b) => a.time - b.time);
  const first = entries[0]?.time ?? made;
  const last = entries.at(-1)?.time ?? made;
  return { title, made, from: first, to: Math.max(last, first + 1000), guests: timeline.guests.map(guestOf), entries };
}

function guestOf({ guest, formerNames, sessions, suspensions }: GuestTimeline): PageGuest {
  return {
    name: guest.name ?? guest.uuid ?? '?',
    ...(guest.uuid !== undefined && guest.name !== undefined && { uuid: guest.uuid }),
    ...(formerNames.length > 0 && { formerNames }),
    sessions: sessions.flatMap(sessionBar),
    suspensions: suspensions.map(suspensionBar),
  };
}

function sessionBar({ session }: TimelineSession): PageBar[] {
  if (session.failed) return [];
  const { start, end } = session;
  return [
    {
      ...(start && { from: start.time }),
      ...(end && { to: end.time }),
      ...((end?.kind === 'boot' || end?.kind === 'restart') && { vague: true }),
      label: `ran, ended: ${endText(session)}`,
    },
  ];
}

function suspensionBar({ start, end }: Suspension): PageBar {
  return { from: start, ...(end !== undefined && { to: end }), label: 'suspended' };
}

function entryOf(entry: TimelineEntry, text: string, facts: Facts): PageEntry {
  const { time } = entry;
  switch (entry.kind) {
    case 'start':
    case 'stop': {
      const { event, cause } = entry;
      return { ...{ time, kind: 'run', text }, ...causeParts(cause), ...controlParts(event, cause, facts) };
    }
    case 'lost':
      return { time, kind: 'run', text, facts: [], proof: [proofText(entry.end.event.proof)] };
    case 'resource': {
      const { event, cause } = entry;
      const all = [...Object.entries(event.details), ...facts.ofCause(cause)];
      return { ...{ time, kind: 'resource', text, facts: all }, proof: [proofText(event.proof), ...causeProof(cause)] };
    }
    case 'security': {
      const { event, by, through } = entry.match;
      const all: Fact[] = [['joined by', by], ...facts.ofSecurity(event)];
      return { time, kind: 'security', text, facts: all, proof: [event.proof, through.proof].map(proofText) };
    }
    default: {
      const { call, effects, changes, alsoSeen } = entry;
      const proof = [...proofOf(call), ...[...effects, ...alsoSeen].map((each) => proofText(each.proof))];
      const kind = KINDS[entry.kind];
      return { time, kind, text, facts: facts.ofCall(call), proof: [...new Set(proof)], ...(changes && { changes }) };
    }
  }
}

const KINDS = { call: 'call', denial: 'denial', failure: 'failure', unanswered: 'failure' } as const satisfies Record<
  string,
  EntryKind
>;

function causeParts(cause: Attribution): { unattributed?: true } {
  return cause.kind === 'none' ? { unattributed: true } : {};
}

function controlParts(event: ControlEvent, cause: Attribution, facts: Facts): Pick<PageEntry, 'facts' | 'proof'> {
  const own = known([
    ['operation', event.operation],
    ['reason', event.reason],
    ['driver', event.driver],
    ['process of the guest', event.guestPid?.toString()],
  ]);
  return { facts: [...own, ...facts.ofCause(cause)], proof: [proofText(event.proof), ...causeProof(cause)] };
}

function causeProof(cause: Attribution): string[] {
  if (cause.kind === 'none') return [];
  return cause.kind === 'call' ? proofOf(cause.call) : cause.candidates.flatMap(proofOf);
}

function callEntry(call: CallEvent, text: string, facts: Facts): PageEntry {
  const kind = call.verdict === 'denied' ? 'denial' : call.success === true ? 'call' : 'failure';
  return { time: call.time, kind, text, facts: facts.ofCall(call), proof: proofOf(call) };
}

function hostEntry({ kind, time, proof }: HostEvent): PageEntry {
  const text = kind === 'boot' ? 'the host came up' : 'the host went down';
  return { time, kind: 'host', text, facts: [], proof: [proofText(proof)] };
}

function securityEntry(event: SecurityEvent, facts: Facts): PageEntry {
  const text = `${event.type}: ${securityText(event)}`;
  return { time: event.time, kind: 'security', text, facts: facts.ofSecurity(event), proof: [proofText(event.proof)] };
}

/** Of a call the record id and the audit event, where it is in both logs. */
function proofOf(call: CallEvent): string[] {
  return [...new Set([`record ${call.rid}`, proofText(call.proof)])];
}

function proofText({ source, id, node }: Proof): string {
  const where = source === 'trail' ? 'record' : 'audit';
  return node === undefined ? `${where} ${id}` : `${where} ${id} of ${node}`;
}
