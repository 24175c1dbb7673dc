/** Timeline -> the data of the page. */
import type { Attribution } from '../attribution.js';
import type { CallEvent, ControlEvent, HostEvent, Proof, SecurityEvent, Subject } from '../event.js';
import { endText, securityText } from '../rows.js';
import type { GuestTimeline, Suspension, Timeline, TimelineEntry, TimelineSession } from '../timeline.js';
import type { EntryKind, PageBar, PageData, PageEntry, PageGuest } from './page_data.js';

type Fact = readonly [name: string, value: string];

export interface PageWords {
  /** Makes sentences about a guest's entries, to go after its name. */
  of(guest: GuestTimeline): (entry: TimelineEntry) => string;
  /** A sentence about a call that is about no guest. */
  call(call: CallEvent): string;
}

export interface PageOptions {
  readonly title: string;
  readonly words: PageWords;
  /** When the page is made; milliseconds since 1970. */
  readonly made: number;
}

export function pageData(timeline: Timeline, { title, words, made }: PageOptions): PageData {
  const ofGuests = timeline.guests.flatMap((guest, index) => {
    const sentence = words.of(guest);
    return guest.entries.map((entry): PageEntry => ({ ...entryOf(entry, sentence(entry)), guest: index }));
  });
  const others = timeline.otherCalls.map((call) => callEntry(call, words.call(call)));
  const entries = [...ofGuests, ...others, ...timeline.hosts.map(hostEntry), ...timeline.unmatched.map(securityEntry)];
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

function entryOf(entry: TimelineEntry, text: string): PageEntry {
  const { time } = entry;
  switch (entry.kind) {
    case 'start':
    case 'stop': {
      const { event, cause } = entry;
      return { ...{ time, kind: 'run', text }, ...causeParts(cause), ...controlParts(event, cause) };
    }
    case 'lost':
      return { time, kind: 'run', text, facts: [], proof: [proofText(entry.end.event.proof)] };
    case 'resource': {
      const { event, cause } = entry;
      const facts = [...Object.entries(event.details), ...causeFacts(cause)];
      return { ...{ time, kind: 'resource', text, facts }, proof: [proofText(event.proof), ...causeProof(cause)] };
    }
    case 'security': {
      const { event, by, through } = entry.match;
      const facts: Fact[] = [['joined by', by], ...securityFacts(event)];
      return { time, kind: 'security', text, facts, proof: [event.proof, through.proof].map(proofText) };
    }
    default: {
      const { call, effects, changes, alsoSeen } = entry;
      const proof = [...proofOf(call), ...[...effects, ...alsoSeen].map((each) => proofText(each.proof))];
      const kind = KINDS[entry.kind];
      return { time, kind, text, facts: callFacts(call), proof: [...new Set(proof)], ...(changes && { changes }) };
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

function controlParts(event: ControlEvent, cause: Attribution): Pick<PageEntry, 'facts' | 'proof'> {
  const facts = known([
    ['operation', event.operation],
    ['reason', event.reason],
    ['driver', event.driver],
    ['process of the guest', event.guestPid?.toString()],
  ]);
  return { facts: [...facts, ...causeFacts(cause)], proof: [proofText(event.proof), ...causeProof(cause)] };
}

function causeFacts(cause: Attribution): Fact[] {
  if (cause.kind === 'none') return [['cause', 'unattributed']];
  if (cause.kind === 'call') return callFacts(cause.call);
  return cause.candidates.flatMap((call, index) =>
    callFacts(call).map(([name, value]): Fact => [`${index + 1}. ${name}`, value]),
  );
}

function causeProof(cause: Attribution): string[] {
  if (cause.kind === 'none') return [];
  return cause.kind === 'call' ? proofOf(cause.call) : cause.candidates.flatMap(proofOf);
}

function callFacts(call: CallEvent): Fact[] {
  const { asserted, error, target, duration } = call;
  return known([
    ['call', call.operation],
    ['verdict', call.verdict],
    ['rule', call.rule],
    ['error', error && (error.message ?? String(error.code))],
    ...subjectFacts(call.subject),
    ['asserted user', asserted?.actor],
    ['asserted by', asserted?.via],
    ['asserted reason', asserted?.reason],
    ['connection', call.uri ?? call.driver],
    [target?.kind ?? 'object', target?.name],
    ...Object.entries(call.arguments).map(([name, value]): [string, string] => [`argument ${name}`, value]),
    ['time inside libvirt', duration === undefined ? undefined : `${duration.toFixed(3)} ms`],
    ['recorded in', call.recordedIn.join(' and ')],
  ]);
}

function subjectFacts({ uid, auid, userName, loginName, pid, comm, exe, terminal, label }: Subject): MaybeFact[] {
  const account = (id: number | undefined, name: string | undefined) =>
    id === undefined ? undefined : name === undefined ? String(id) : `${name} (${id})`;
  return [
    ['login user', account(auid, loginName)],
    ['user', account(uid, userName)],
    ['program', exe ?? comm],
    ['process', pid?.toString()],
    ['terminal', terminal],
    ['label', label],
  ];
}

function callEntry(call: CallEvent, text: string): PageEntry {
  const kind = call.verdict === 'denied' ? 'denial' : call.success === true ? 'call' : 'failure';
  return { time: call.time, kind, text, facts: callFacts(call), proof: proofOf(call) };
}

function hostEntry({ kind, time, proof }: HostEvent): PageEntry {
  const text = kind === 'boot' ? 'the host came up' : 'the host went down';
  return { time, kind: 'host', text, facts: [], proof: [proofText(proof)] };
}

function securityEntry(event: SecurityEvent): PageEntry {
  const text = `${event.type}: ${securityText(event)}`;
  return { time: event.time, kind: 'security', text, facts: securityFacts(event), proof: [proofText(event.proof)] };
}

function securityFacts({ subject, details }: SecurityEvent): Fact[] {
  return [...known(subjectFacts(subject)), ...Object.entries(details)];
}

/** Of a call the record id and the audit event, where it is in both logs. */
function proofOf(call: CallEvent): string[] {
  return [...new Set([`record ${call.rid}`, proofText(call.proof)])];
}

function proofText({ source, id, node }: Proof): string {
  const where = source === 'trail' ? 'record' : 'audit';
  return node === undefined ? `${where} ${id}` : `${where} ${id} of ${node}`;
}

type MaybeFact = readonly [name: string, value: string | undefined];

function known(facts: readonly MaybeFact[]): Fact[] {
  return facts.flatMap(([name, value]): Fact[] => (value === undefined || value === '' ? [] : [[name, value]]));
}
