/** What a record of an audit log says happened. */
import type { Mutable } from '../mutable.js';
import type { ControlEvent, HostEvent, MachineIdEvent, ReportEvent, SecurityEvent } from '../report/event.js';
import { callEvent, isCall } from './call.js';
import { base, given, guestOf, proofOf, subjectOf, succeeded } from './parts.js';
import { type AuditRecord, numberField, rawField, wordField } from './record.js';
import { resourceEvent } from './resource.js';
import { textField } from './text.js';

/** A record that should be of use but is not: the reason. */
export type Defect = string;

const HOST_EVENTS: Readonly<Record<string, HostEvent['kind']>> = {
  SYSTEM_BOOT: 'boot',
  SYSTEM_SHUTDOWN: 'shutdown',
  DAEMON_START: 'daemon-start',
  DAEMON_END: 'daemon-end',
};

/**
 * The event of a record; undefined for records that reports have no use for. `syscall`: the record of the same event
 * that says which process it was, for AVC and ANOM_*.
 */
export function eventOf(record: AuditRecord, order: number, syscall?: AuditRecord): ReportEvent | Defect | undefined {
  const { type } = record;
  if (type.startsWith('VIRT_')) return virtEvent(record, order);
  if (type === 'AVC' || type.startsWith('ANOM_')) return securityEvent(record, order, syscall);
  const kind = HOST_EVENTS[type];
  return kind === undefined ? undefined : { kind, ...base(record, order) };
}

function virtEvent(record: AuditRecord, order: number): ReportEvent | Defect | undefined {
  if (!VIRT_TYPES.has(record.type)) return undefined;
  if (rawField(record, 'res') === undefined) return 'cut short: no result (res=)';
  if (isCall(record)) return callEvent(record, order);
  if (guestOf(record).name === undefined && guestOf(record).uuid === undefined) return 'names no guest (vm=, uuid=)';
  if (record.type === 'VIRT_CONTROL') return controlEvent(record, order);
  return record.type === 'VIRT_RESOURCE' ? resourceEvent(record, order) : machineIdEvent(record, order);
}

const VIRT_TYPES = new Set(['VIRT_CONTROL', 'VIRT_RESOURCE', 'VIRT_MACHINE_ID']);

function controlEvent(record: AuditRecord, order: number): ControlEvent | Defect {
  const operation = wordField(record, 'op');
  if (operation === undefined) return 'does not say what was done (op=)';
  const event: Mutable<ControlEvent> = {
    kind: 'control',
    time: record.time,
    order,
    proof: proofOf(record),
    guest: guestOf(record),
    subject: subjectOf(record),
    operation,
    success: succeeded(record),
  };
  // One by one, since a log may hold many thousands of them: objects put together from parts cost several times that.
  const reason = wordField(record, 'reason');
  const driver = wordField(record, 'virt');
  const pid = numberField(record, 'vm-pid');
  if (reason !== undefined) event.reason = reason;
  if (driver !== undefined) event.driver = driver;
  if (pid) event.guestPid = pid;
  return event;
}

function machineIdEvent(record: AuditRecord, order: number): MachineIdEvent {
  return {
    kind: 'machine-id',
    ...base(record, order),
    guest: guestOf(record),
    subject: subjectOf(record),
    ...given('model', wordField(record, 'model')),
    ...given('guestLabel', wordField(record, 'vm-ctx')),
    ...given('imageLabel', wordField(record, 'img-ctx')),
    success: succeeded(record),
  };
}

const AVC_HEAD = /avc:\s+(\w+)\s+\{ ([^}]*?) ?\}/;
/** Fields of AVC and ANOM_* that audit encodes. */
const ENCODED = new Set(['comm', 'exe', 'name', 'path', 'profile', 'info', 'target', 'srcname', 'label']);

function securityEvent(record: AuditRecord, order: number, syscall?: AuditRecord): SecurityEvent {
  const details: Record<string, string> = {};
  for (const { name } of record.fields) {
    if (details[name] !== undefined || SUBJECT_FIELDS.has(name)) continue;
    const value = ENCODED.has(name) ? textField(record, name) : wordField(record, name);
    if (value !== undefined) details[name] = value;
  }
  const [, seresult, seperms] = AVC_HEAD.exec(record.body) ?? [];
  if (seresult !== undefined) details.seresult = seresult;
  if (seperms !== undefined) details.seperms = seperms.split(' ').join(',');
  return {
    kind: record.type === 'AVC' ? 'avc' : 'anomaly',
    ...base(record, order),
    type: record.type,
    subject: { ...(syscall && subjectOf(syscall)), ...subjectOf(record) },
    details,
  };
}

const SUBJECT_FIELDS = new Set(['pid', 'uid', 'auid', 'ses', 'gid', 'subj', 'exe', 'res']);
