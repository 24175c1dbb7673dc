/** What a record of an audit log says happened. */
import type { Mutable } from '../mutable.js';
import type { ControlEvent, HostEvent, ReportEvent, SecurityEvent } from '../report/event.js';
import { callEvent, isCall } from './call.js';
import { base, type EventMaker, given, guestOf, proofOf, subjectOf, succeeded } from './parts.js';
import { type AuditRecord, numberField, rawField, wordField } from './record.js';
import { resourceMaker } from './resource.js';
import { shared } from './shared.js';
import { textField } from './text.js';

/** A record that should be of use but is not: the reason. */
export type Defect = string;

interface VirtType {
  /** For a record of libvirt's own. */
  readonly make: (record: AuditRecord) => EventMaker | Defect;
  /** By what records say: of a guest that is started again and again it is the same each time. */
  readonly makers: ReturnType<typeof shared<EventMaker | Defect | undefined>>;
}

const virtType = (make: VirtType['make']): VirtType => ({ make, makers: shared() });

const VIRT_TYPES: Readonly<Record<string, VirtType>> = {
  VIRT_CONTROL: virtType(controlMaker),
  VIRT_RESOURCE: virtType(resourceMaker),
  VIRT_MACHINE_ID: virtType(machineIdMaker),
};

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
  const type = VIRT_TYPES[record.type];
  if (type === undefined) return undefined;
  const maker = type.makers(record.text, () => makerOf(record, type.make));
  if (maker === undefined) return callEvent(record, order);
  return typeof maker === 'string' ? maker : maker(record, order);
}

/** undefined for calls, of which no two say the same. */
function makerOf(record: AuditRecord, make: VirtType['make']): EventMaker | Defect | undefined {
  if (rawField(record, 'res') === undefined) return 'cut short: no result (res=)';
  if (isCall(record)) return undefined;
  if (guestOf(record).name === undefined && guestOf(record).uuid === undefined) return 'names no guest (vm=, uuid=)';
  return make(record);
}

function controlMaker(record: AuditRecord): EventMaker | Defect {
  const operation = wordField(record, 'op');
  if (operation === undefined) return 'does not say what was done (op=)';
  const [guest, subject, success] = [guestOf(record), subjectOf(record), succeeded(record)];
  const reason = wordField(record, 'reason');
  const driver = wordField(record, 'virt');
  const guestPid = numberField(record, 'vm-pid');
  return (at, order) => {
    // One by one, since a log may hold many thousands of them: objects put together from parts cost several times that.
    const event: Mutable<ControlEvent> = {
      kind: 'control',
      time: at.time,
      order,
      proof: proofOf(at),
      guest,
      subject,
      operation,
      success,
    };
    if (reason !== undefined) event.reason = reason;
    if (driver !== undefined) event.driver = driver;
    if (guestPid) event.guestPid = guestPid;
    return event;
  };
}

function machineIdMaker(record: AuditRecord): EventMaker {
  const facts = {
    guest: guestOf(record),
    subject: subjectOf(record),
    ...given('model', wordField(record, 'model')),
    ...given('guestLabel', wordField(record, 'vm-ctx')),
    ...given('imageLabel', wordField(record, 'img-ctx')),
    success: succeeded(record),
  };
  return (at, order) => ({ kind: 'machine-id', ...base(at, order), ...facts });
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
