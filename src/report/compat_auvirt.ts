/**
 * What auvirt (audit 3.0) prints, byte for byte where it is right. Texts are latin1 in here, a character a byte, because
 * its columns are made of bytes.
 */
import { type AuditRecord, rawField } from '../audit/record.js';
import { textToBytes } from '../trail/escape.js';
import type { ControlEvent, Guest, ReportEvent, Subject } from './event.js';
import type { ResourcePeriod, SecurityMatch, Session, SessionReport } from './session.js';

/** Seconds since 1970, both inclusive. */
export interface CompatPeriod {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/** Whether auvirt would look at a record: it wants fields in an order of its own, and leaves out what it does not know. */
export function acceptsRecord({ start, end }: CompatPeriod): (record: AuditRecord) => boolean {
  return (record) => {
    const second = Math.floor(record.time / 1000);
    if (second < (start ?? 0) || second > (end ?? Infinity)) return false;
    return !record.type.startsWith('VIRT_') || isReadable(record);
  };
}

function isReadable(record: AuditRecord): boolean {
  if (!hasInOrder(record, ['uid', 'vm', 'uuid', 'res'])) return false;
  if (record.type === 'VIRT_CONTROL') return /^(start|stop)$/.test(rawField(record, 'op') ?? '');
  if (record.type !== 'VIRT_RESOURCE') return true;
  const kind = rawField(record, 'resrc') ?? '';
  if (kind === 'cgroup') return !/^("\?"|\?|"?0?"?)$/.test(rawField(record, 'cgroup') ?? '');
  return CHANGING.has(kind) && hasInOrder(record, ['resrc', 'reason', `old-${kind}`, `new-${kind}`]);
}

const CHANGING = new Set(['disk', 'net', 'mem', 'vcpu', 'rng']);

function hasInOrder({ fields }: AuditRecord, names: readonly string[]): boolean {
  let found = 0;
  for (const { name } of fields) if (name === names[found]) found++;
  return found === names.length;
}

/** Names are compared as they are printed, UUIDs to the letter. */
export interface CompatGuest {
  readonly vm?: string | undefined;
  readonly uuid?: string | undefined;
}

export interface CompatOptions extends CompatGuest {
  readonly allEvents: boolean;
  readonly showUuid: boolean;
  readonly proof: boolean;
  /** The account of a uid on this machine. */
  readonly userName: (uid: number) => string | undefined;
}

interface Row {
  readonly type: 'start' | 'stop' | 'resrc' | 'avc' | 'anom' | 'down';
  readonly order: number;
  readonly guest: Guest;
  readonly subject: Subject;
  readonly from: number;
  readonly to?: number | undefined;
  readonly failed: boolean;
  readonly proof: readonly ReportEvent[];
  readonly more: readonly string[];
}

/** The lines of a report made of the records that `acceptsRecord` lets pass. */
export function* compatLines(report: SessionReport, options: CompatOptions): Generator<Buffer> {
  for (const row of rowsOf(report, options)) {
    if (!options.allEvents && row.type !== 'start') continue;
    yield Buffer.from(`${line(row, options)}\n${options.proof ? proofLine(row) : ''}`, 'latin1');
  }
}

function line(row: Row, { allEvents, showUuid, userName }: CompatOptions): string {
  return [
    (allEvents ? `${row.type.padEnd(6)} ` : '') + fixed(interpreted(latin1(row.guest.name ?? '')), 22),
    ...(showUuid ? [fixed(row.guest.uuid ?? '', 36)] : []),
    fixed(accountOf(row.subject, userName), 11),
    fixed(period(row), 32),
    ...row.more,
  ].join('\t');
}

function proofLine({ proof }: Row): string {
  return `    Proof:${proof.map((event) => event.proof.id.split(':')[1]).join(',')}\n\n`;
}

/** The counts of a report made of the records that `acceptsRecord` lets pass. */
export function compatSummary(report: SessionReport, wanted: CompatGuest): string {
  const rows = rowsOf(report, wanted);
  const count = (type: Row['type']) => rows.filter((row) => row.type === type && !row.failed).length;
  const labels = report.sessions
    .flatMap((session) => session.labels)
    .filter(({ model, guest }) => model !== 'dac' && isWanted(guest, wanted))
    .map(({ time }) => time);
  const times = [...rows.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to])), ...labels];
  const first = times.reduce((least, time) => Math.min(least, time), Infinity);
  const last = times.reduce((most, time) => Math.max(most, time), -Infinity);
  return [
    `Range of time for report:       ${times.length === 0 ? 'undef - undef' : `${minute(first)} - ${minute(last)}`}`,
    `Number of guest starts:         ${count('start')}`,
    `Number of guest stops:          ${count('stop')}`,
    `Number of resource assignments: ${count('resrc')}`,
    `Number of related AVCs:         ${count('avc')}`,
    `Number of related anomalies:    ${count('anom')}`,
    `Number of failed operations:    ${rows.filter(({ failed }) => failed).length}`,
    '',
  ].join('\n');
}

/** In the order of the records, as auvirt met them. */
function rowsOf({ sessions, hosts }: SessionReport, wanted: CompatGuest): Row[] {
  const all = sessions.flatMap((session) => [
    ...startRow(session),
    ...stopRows(session),
    ...session.resources.flatMap((resource) => resourceRow(resource, session)),
    ...session.security.flatMap((match) => securityRow(match, session)),
  ]);
  const rows = all.filter(({ guest }) => isWanted(guest, wanted));
  const ends = new Set(sessions.filter(({ guest }) => isWanted(guest, wanted)).map(({ end }) => end?.event));
  for (const host of hosts) {
    if (host.kind !== 'shutdown' || !ends.has(host)) continue;
    const { order, time } = host;
    rows.push({ type: 'down', order, guest: {}, subject: {}, from: time, failed: false, proof: [host], more: [] });
  }
  return rows.sort((a, b) => a.order - b.order);
}

function isWanted({ name, uuid }: Guest, wanted: CompatGuest): boolean {
  if (wanted.uuid !== undefined && uuid !== wanted.uuid) return false;
  return wanted.vm === undefined || interpreted(latin1(name ?? '')) === latin1(wanted.vm);
}

function startRow({ start, end, failed }: Session): Row[] {
  if (start === undefined) return [];
  const over = end?.kind === 'restart' ? undefined : end;
  const proof = over === undefined ? [start] : [start, over.event];
  return [{ ...common('start', start), to: over?.time, failed, proof }];
}

function stopRows({ start, end, failedStops }: Session): Row[] {
  if (start === undefined) return [];
  const stops = failedStops.map((stop) => ({ ...common('stop', stop), failed: true }));
  return end?.kind === 'stop' && end.event.kind === 'control' ? [...stops, common('stop', end.event)] : stops;
}

function common(type: Row['type'], event: ControlEvent): Row {
  const { order, guest, subject, time } = event;
  return { type, order, guest, subject, from: time, failed: false, proof: [event], more: [] };
}

function resourceRow(resource: ResourcePeriod, session: Session): Row[] {
  const { kind, value, start, failed } = resource;
  if (start === undefined) return [];
  const { order, guest, subject, time, details, reason = '' } = start;
  const end = failed ? undefined : endOf(resource, session);
  const detail = details.class === 'path' || details.class === 'major' ? value : '';
  const what = kind === 'cgroup' ? [details.class ?? '', details.acl ?? '', detail] : [value];
  const more = [fixed(kind, 12), fixed(reason, 10), ...what.map((text) => interpreted(latin1(text)))];
  const proof = end === undefined ? [start] : [start, end.event];
  return [{ type: 'resrc', order, guest, subject, from: time, to: end?.time, failed, proof, more }];
}

/** auvirt lets all permissions end with the guest, and nothing with a start that another start came after. */
function endOf({ kind, end }: ResourcePeriod, session: Session): ResourcePeriod['end'] {
  const failedStart = session.failed ? session.start : undefined;
  const over =
    kind === 'cgroup' ? (session.end ?? (failedStart && { time: failedStart.time, event: failedStart })) : end;
  const again = over?.event.kind === 'control' && over.event.operation === 'start' && over.event.success;
  return again === true ? undefined : over;
}

function securityRow({ event, by, through }: SecurityMatch, session: Session): Row[] {
  const { details, kind, order, subject, time } = event;
  // Others at a guest's files: of these auvirt knows those that AppArmor reports alone.
  if (kind === 'avc' && by === 'object' && details.apparmor === undefined) return [];
  const anomaly = kind === 'anomaly';
  if (anomaly && session.start === undefined) return [];
  const tie = anomaly ? (session.start ?? through) : through;
  const row = { order, guest: tie.guest, subject, from: time, failed: false, proof: [tie, event] };
  return [{ ...row, type: anomaly ? 'anom' : 'avc', more: anomaly ? [] : denial(details) }];
}

function denial(details: Readonly<Record<string, string>>): string[] {
  const { seperms, seresult, operation, apparmor, comm, name, scontext, tcontext } = details;
  const context = seperms === 'relabelfrom' ? scontext : seperms === 'relabelto' ? tcontext : undefined;
  const texts = [comm, name].map((text) => interpreted(latin1(text ?? '')));
  const result = seresult ?? apparmor?.toLowerCase() ?? '';
  return [fixed(operation ?? seperms ?? '', 12), fixed(result, 10), ...texts, context ?? ''];
}

function accountOf({ userName, uid }: Subject, account: CompatOptions['userName']): string {
  if (uid === undefined) return userName ?? '?';
  return userName ?? account(uid) ?? `unknown(${uid})`;
}

/** The minutes of times that are cut to seconds first. */
function period({ from, to, failed }: Row): string {
  if (to === undefined) return `${minute(from)}${failed ? ' - failed' : ''}`;
  const seconds = Math.floor(to / 1000) - Math.floor(from / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86400);
  const clock = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}`;
  return `${minute(from)} - ${minute(to).slice(11).padEnd(7)}(${days > 0 ? `${days}+` : ''}${clock})`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** "Tue Nov 14 22:13", in local time. */
function minute(time: number): string {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clock}`;
}

function latin1(text: string): string {
  return textToBytes(text).toString('latin1');
}

/** Control characters in octal, as ausearch shows them. */
function interpreted(bytes: string): string {
  return bytes.replace(/[^ -\u00ff]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function fixed(bytes: string, width: number): string {
  return bytes.slice(0, width).padEnd(width);
}
