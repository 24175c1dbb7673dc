/** What events of all kinds take from a record. */
import type { Guest, Proof, ReportEvent, Subject } from '../report/event.js';
import { type AuditRecord, enrichedField, numberField, rawField, wordField } from './record.js';
import { shared } from './shared.js';
import { textField } from './text.js';

/** Makes the event of a record: of any that says, after its head, what the one says for which this was made. */
export type EventMaker = (record: AuditRecord, order: number) => ReportEvent;

/** Time and proof, as every event has them. */
export function base(record: AuditRecord, order: number): { time: number; order: number; proof: Proof } {
  return { time: record.time, order, proof: proofOf(record) };
}

export function proofOf({ stamp, node }: AuditRecord): Proof {
  return node === undefined ? { source: 'audit', id: stamp } : { source: 'audit', id: stamp, node };
}

const guests = shared<Guest>();

/** The guest that a record names. */
export function guestOf(record: AuditRecord): Guest {
  const uuid = wordField(record, 'uuid');
  return guests(`${rawField(record, 'vm')} ${uuid}`, () => ({
    ...given('name', textField(record, 'vm')),
    ...(uuid !== undefined && uuid !== '?' && { uuid: uuid.toLowerCase() }),
  }));
}

const subjects = shared<Subject>();

/** Who acted, as far as the record says. */
export function subjectOf(record: AuditRecord): Subject {
  // Before the message stands what the kernel says, behind its end what auditd says.
  const message = record.body.indexOf(" msg='");
  if (message === -1) return makeSubject(record);
  const program = `${rawField(record, 'comm')} ${rawField(record, 'exe')} ${rawField(record, 'terminal')}`;
  return subjects(`${record.body.slice(0, message)} ${record.enriched} ${program}`, () => makeSubject(record));
}

function makeSubject(record: AuditRecord): Subject {
  return {
    ...given('pid', numberField(record, 'pid')),
    ...given('uid', numberField(record, 'uid')),
    ...given('auid', numberField(record, 'auid')),
    ...given('userName', accountName(record, 'UID')),
    ...given('loginName', accountName(record, 'AUID')),
    ...given('comm', textField(record, 'comm')),
    ...given('exe', textField(record, 'exe')),
    ...given('terminal', textField(record, 'terminal')),
    ...given('label', wordField(record, 'subj')),
  };
}

/** A name that auditd wrote beside the number; none where it knew none. */
function accountName(record: AuditRecord, field: string): string | undefined {
  const name = enrichedField(record, field);
  return name === undefined || name === 'unset' || name.startsWith('unknown(') ? undefined : name;
}

/** Only what libvirt writes for success is success. */
export function succeeded(record: AuditRecord): boolean {
  return rawField(record, 'res') === 'success';
}

/** A property that is left out where there is no value. */
export function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [key in Name]?: Value } {
  const property: { [key in Name]?: Value } = {};
  if (value !== undefined) property[name] = value;
  return property;
}
