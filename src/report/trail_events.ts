/** The calls of a trail, in the model of reports. */
import { shared } from '../audit/shared.js';
import type { TrailItem, TrailLine, TrailParam, TrailRecord } from '../trail/record.js';
import { guestOf, UNSET } from '../trail/verdict.js';
import type { CallEvent, Guest, Subject, UnreadableLine } from './event.js';

const sharedSubject = shared<Subject>();
const sharedGuest = shared<Guest>();
const sharedText = shared<string>();
/** What many records say alike is kept once. */
const once = (text: string): string => sharedText(text, () => copied(text));

/**
 * One event for each call, when its outcome is read; calls without one at the end. They do not come in order of time.
 * Notices are left out.
 */
export async function* trailEvents(
  lines: AsyncIterable<TrailLine>,
  onUnreadable: (line: UnreadableLine) => void = () => {},
): AsyncGenerator<CallEvent> {
  const open = new Map<string, TrailRecord>();
  for await (const { record, problem, file, line } of lines) {
    if (record === undefined) onUnreadable({ file, line, reason: problem ?? 'not a record' });
    else if (record.type === 'methodcall') open.set(record.rid, record);
    else if (record.type === 'methodresponse') {
      yield callEvent(record, open.get(record.rid));
      open.delete(record.rid);
    }
  }
  for (const attempt of open.values()) yield callEvent(attempt);
}

/** The event of a call's last record, and its first where there are two. */
export function callEvent(record: TrailRecord, attempt?: TrailRecord): CallEvent {
  const { decision, connection, error, asserted, durationNs } = record;
  const duration = durationNs === undefined ? undefined : durationNs / 1e6;
  // Calls that change nothing have no first record.
  const time = attempt === undefined ? milliseconds(record.time) - (duration ?? 0) : milliseconds(attempt.time);
  const rid = copied(record.rid);
  return {
    kind: 'call',
    time,
    order: record.seq,
    proof: { source: 'trail', id: rid },
    guest: guest(record),
    subject: subjectOf(record),
    rid,
    operation: once(record.event ?? '?'),
    verdict: decision?.effect ?? 'permitted',
    ...(record.success !== undefined && { success: record.success }),
    ...(decision?.rule !== undefined && { rule: once(decision.rule) }),
    ...(connection?.driver !== undefined && { driver: once(connection.driver) }),
    ...(connection?.uri !== undefined && { uri: once(connection.uri) }),
    ...(error !== undefined && { error: { code: error.code, message: copied(error.message) } }),
    ...(asserted !== undefined && { asserted }),
    ...targetOf(record),
    nested: record.nested,
    arguments: Object.fromEntries(record.params.flatMap(argumentsOf)),
    ...(duration !== undefined && { duration }),
    recordedIn: ['trail'],
  };
}

/** Milliseconds with a fraction: Date knows no microseconds. */
function milliseconds(time: string): number {
  const seconds = Date.parse(`${time.slice(0, 19)}Z`);
  return seconds + Number(`0${time.slice(19, -1) || '.0'}`) * 1000;
}

/** A snapshot's record has the guest's name as parent, and the guest's uuid. */
function guest(record: TrailRecord): Guest {
  const { kind, uuid } = record.resource ?? {};
  const name = guestOf(record);
  if (kind !== 'domain' && kind?.startsWith('domain-') !== true) return {};
  return sharedGuest(`${uuid} ${name}`, () => ({
    ...(name && { name: copied(name) }),
    ...(uuid && { uuid: copied(uuid.toLowerCase()) }),
  }));
}

function targetOf({ resource, connection }: TrailRecord): { target?: CallEvent['target'] & object } {
  if (resource === undefined || resource.kind === 'domain') return {};
  const name = resource.kind === 'connect' ? connection?.uri : resource.name;
  return { target: { kind: resource.kind, ...(name && { name }) } };
}

function subjectOf({ pid, uid, auid, comm, exe, tty, subj }: TrailRecord): Subject {
  return sharedSubject([pid, uid, auid, comm, exe, tty, subj].join('\0'), () => ({
    ...{ pid, uid, comm: copied(comm), exe: copied(exe) },
    ...(auid !== UNSET && { auid }),
    ...(tty !== undefined && { terminal: copied(tty) }),
    ...(subj !== undefined && { label: copied(subj) }),
  }));
}

/** Texts and numbers as they are; what a list or typed parameters hold as `name.field`. */
function argumentsOf({ name, text, items, attributes }: TrailParam): [string, string][] {
  if (items.length > 0) return items.map((item, at) => [once(`${name}.${item.name ?? at}`), textOf(item)]);
  const said = attributes.null !== '1' && attributes.out !== '1' && attributes.opaque !== '1';
  return said && attributes.kind === undefined ? [[once(name), copied(text)]] : [];
}

const textOf = ({ value }: TrailItem): string => copied(value ?? '');

/** A part of a line keeps all of the line in memory; a copy does not. */
function copied(text: string): string {
  return text.length < SHORT ? text : ` ${text}`.slice(1);
}

/** Shorter parts are copies already. */
const SHORT = 13;
