/** A report as rows: one a session, or one for everything that happened in it. */
import type { Attribution } from './attribution.js';
import type { ControlEvent, Guest, HostEvent, Proof, ReportEvent, SecurityEvent, Subject } from './event.js';
import type { ResourcePeriod, SecurityMatch, Session, SessionEnd, SessionReport } from './session.js';
import type { CauseOf } from './timeline.js';

export const ROW_TYPES = ['session', 'start', 'stop', 'resource', 'avc', 'anomaly', 'down', 'boot'] as const;

export interface ReportRow {
  readonly type: (typeof ROW_TYPES)[number];
  readonly guest: Guest;
  readonly node?: string | undefined;
  /** Who acted, as the record says: for records of libvirt its daemon. */
  readonly subject: Subject;
  /** undefined: before the log begins. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** `open`: it lasts, or nobody knows; `latest`: `to` is when it was over at the latest. */
  readonly state: 'done' | 'open' | 'latest' | 'failed' | 'moment';
  /** disk, mem, ... of resources; AVC, ANOM_ABEND, ... of the others. */
  readonly kind?: string | undefined;
  readonly reason?: string | undefined;
  readonly value?: string | undefined;
  readonly proof: readonly Proof[];
  /** Of the record, for rows of one time. */
  readonly order: number;
  /** Who caused it, and its end; undefined where nobody looked for that. */
  readonly by?: Attribution | undefined;
  readonly endBy?: Attribution | undefined;
}

const UNASKED: CauseOf = () => undefined;

/** One row a session, by the time of its start; of those whose start is unknown, of its end. */
export function sessionRows({ sessions }: SessionReport, causeOf: CauseOf = UNASKED): ReportRow[] {
  return byTime(sessions.map((session) => sessionRow(session, causeOf)));
}

/** Starts, stops, resources, denials, and the host's own ups and downs. */
export function eventRows({ sessions, hosts }: SessionReport, causeOf: CauseOf = UNASKED): ReportRow[] {
  const rows = hosts.map(hostRow);
  for (const session of sessions) {
    if (session.start !== undefined) rows.push({ ...sessionRow(session, causeOf), type: 'start' });
    rows.push(...stopRows(session, causeOf));
    for (const period of session.resources) rows.push(resourceRow(period, session, causeOf));
    for (const match of session.security) rows.push(securityRow(match, session));
  }
  return byTime(rows);
}

function byTime(rows: ReportRow[]): ReportRow[] {
  const when = ({ from, to }: ReportRow) => from ?? to ?? 0;
  return rows.sort((a, b) => when(a) - when(b) || a.order - b.order);
}

function sessionRow(session: Session, causeOf: CauseOf): ReportRow {
  const { guest, node, start, end, failed } = session;
  const subject = start?.subject ?? (end?.event.kind === 'control' ? end.event.subject : {});
  return {
    type: 'session',
    guest,
    node,
    subject,
    from: start?.time,
    to: end?.time,
    state: failed ? 'failed' : stateOf(end),
    reason: start?.reason,
    value: endText(session),
    proof: proofsOf(start, end?.event),
    order: (start ?? end?.event)?.order ?? 0,
    by: start && causeOf(start),
    endBy: end?.kind === 'stop' && end.event.kind === 'control' ? causeOf(end.event) : undefined,
  };
}

function proofsOf(start: ReportEvent | undefined, end: ReportEvent | undefined): Proof[] {
  if (start === undefined) return end === undefined ? [] : [end.proof];
  return end === undefined ? [start.proof] : [start.proof, end.proof];
}

function stateOf(end: SessionEnd | undefined): ReportRow['state'] {
  if (end === undefined) return 'open';
  return end.kind === 'stop' || end.kind === 'shutdown' ? 'done' : 'latest';
}

/** How a session ended, in words. */
export function endText({ end, failed }: Session): string {
  if (failed) return 'start failed';
  if (end === undefined) return 'running';
  if (end.kind === 'stop') return (end.event.kind === 'control' ? end.event.reason : undefined) ?? 'stopped';
  if (end.kind === 'shutdown') return 'host shut down';
  return end.kind === 'boot' ? 'not recorded: host booted again' : 'not recorded: started again';
}

function stopRows({ end, failedStops, node }: Session, causeOf: CauseOf): ReportRow[] {
  const row = (event: ControlEvent, state: ReportRow['state']): ReportRow => {
    const { guest, subject, time, reason, proof, order } = event;
    return { type: 'stop', guest, node, subject, from: time, state, reason, proof: [proof], order, by: causeOf(event) };
  };
  const failed = failedStops.map((event) => row(event, 'failed'));
  return end?.kind === 'stop' && end.event.kind === 'control' ? [...failed, row(end.event, 'moment')] : failed;
}

function resourceRow(period: ResourcePeriod, session: Session, causeOf: CauseOf): ReportRow {
  const { kind, start, end, failed } = period;
  const event = start ?? end?.event;
  const { reason, details } = event?.kind === 'resource' ? event : { reason: undefined, details: undefined };
  const moment = start !== undefined && end?.event === start;
  const lost = end?.event.kind === 'boot' || (end?.event === session.end?.event && session.end?.kind === 'restart');
  const held = end === undefined ? 'open' : lost ? 'latest' : 'done';
  return {
    type: 'resource',
    guest: session.guest,
    node: session.node,
    subject: (start ?? session.start)?.subject ?? {},
    from: start?.time,
    to: moment ? undefined : end?.time,
    state: failed ? 'failed' : moment ? 'moment' : held,
    kind,
    reason,
    value: heldText(period, details?.acl),
    proof: proofsOf(start, moment ? undefined : end?.event),
    by: start && causeOf(start),
    endBy: end?.event.kind === 'resource' ? causeOf(end.event) : undefined,
    order: event?.order ?? 0,
  };
}

function heldText({ kind, value }: ResourcePeriod, access: string | undefined): string {
  if (kind === 'mem') return `${value} KiB`;
  return access ? `${value} ${access}`.trimStart() : value;
}

function securityRow({ event, by, through }: SecurityMatch, { guest, node }: Session): ReportRow {
  const { type, kind, subject, time, proof, order } = event;
  const at = { from: time, state: 'moment', proof: [through.proof, proof], order } as const;
  return { type: kind, guest, node, subject, ...at, kind: type, reason: by, value: securityText(event) };
}

/** "denied read: qemu-kvm, /etc/shadow" */
export function securityText({ details, subject }: SecurityEvent): string {
  const { seresult, seperms, apparmor, operation, name, path, sig } = details;
  const verdict = [seresult ?? apparmor?.toLowerCase(), seperms ?? operation].filter(Boolean).join(' ');
  const parts = [verdict || undefined, details.comm ?? subject.comm, path ?? name, sig && `signal ${sig}`];
  return parts.filter(Boolean).join(', ');
}

function hostRow({ kind, time, proof, order }: HostEvent): ReportRow {
  const type = kind === 'boot' ? 'boot' : 'down';
  return { type, guest: {}, node: proof.node, subject: {}, from: time, state: 'moment', proof: [proof], order };
}
