// Audit logs for tests: lines as libvirt and the kernel write them, and what reports make of them.
import { Readable } from 'node:stream';
import { type ReadAuditOptions, readAuditLog } from '../../src/audit/read.js';
import type { ReportEvent } from '../../src/report/event.js';
import type { SessionReport } from '../../src/report/session.js';
import { sessionsOf } from '../../src/report/sessions.js';

/** 2023-11-14 22:13:20 UTC. */
export const T0 = 1_700_000_000;
export const UUID = 'f05e5f24-c3a0-4eac-91fc-72623b255373';
const TAIL = 'exe="/usr/sbin/libvirtd" hostname=? addr=? terminal=?';

let serial = 100;

/** A record's line; `after` is in seconds since T0. */
export function line(type: string, after: number, body: string): string {
  return `type=${type} msg=audit(${T0 + after}.100:${serial++}): ${body}`;
}

export interface Writer {
  readonly vm?: string;
  readonly uuid?: string;
  readonly result?: string;
}

/** A record of libvirt. `text`: `op=start reason=booted`, ... ; `rest` comes after the guest. */
export function virt(type: string, after: number, text: string, rest = '', writer: Writer = {}): string {
  const { vm = '"demo"', uuid = UUID, result = 'success' } = writer;
  const body = `virt=kvm ${text} vm=${vm} uuid=${uuid} ${rest}${rest && ' '}${TAIL} res=${result}`;
  return line(type, after, `pid=900 uid=0 auid=4294967295 ses=4294967295 msg='${body}'`);
}

export const start = (after: number, pid = 4242, writer?: Writer) =>
  virt('VIRT_CONTROL', after, 'op=start reason=booted', `vm-pid=${pid}`, writer);
export const stop = (after: number, reason = 'destroyed', writer?: Writer) =>
  virt('VIRT_CONTROL', after, `op=stop reason=${reason}`, 'vm-pid=0', writer);
export const resource = (after: number, kind: string, reason: string, rest: string, writer?: Writer) =>
  virt('VIRT_RESOURCE', after, `resrc=${kind} reason=${reason}`, rest, writer);
export const disk = (after: number, reason: string, before: string, now: string, writer?: Writer) =>
  resource(after, 'disk', reason, `old-disk="${before}" new-disk="${now}"`, writer);
export const label = (after: number, categories: string, writer?: Writer) =>
  virt(
    'VIRT_MACHINE_ID',
    after,
    '',
    `vm-ctx=system_u:system_r:svirt_t:${categories} img-ctx=system_u:object_r:svirt_image_t:${categories} model=selinux`,
    writer,
  );

export interface Read {
  readonly events: ReportEvent[];
  readonly report: SessionReport;
  /** `line: reason` of what could not be read. */
  readonly unreadable: string[];
}

/** Everything that is read of a log's text or files. */
export async function read(
  log: string | Buffer | readonly string[],
  files: readonly string[] = [],
  options: ReadAuditOptions = {},
): Promise<Read> {
  const unreadable: string[] = [];
  const events: ReportEvent[] = [];
  const text = Array.isArray(log) ? log.map((each) => `${each}\n`).join('') : (log as string | Buffer);
  const inputs = files.length > 0 ? files : [Readable.from(text.length > 0 ? [Buffer.from(text as string)] : [])];
  const all = readAuditLog(inputs, {
    ...options,
    onUnreadable: ({ line: at, reason }) => unreadable.push(`${at}: ${reason}`),
  });
  for await (const event of all) events.push(event);
  return { events, report: await sessionsOf(events), unreadable };
}

/** A session in a few words: guest, seconds from T0 to its start and its end, and how it ended. */
export function outline({ sessions }: SessionReport): string[] {
  const seconds = (time: number | undefined) => (time === undefined ? '?' : Math.floor(time / 1000) - T0);
  return sessions.map(({ guest, start: begun, end, failed }) => {
    const how = failed ? 'failed' : (end?.kind ?? 'open');
    return `${guest.name} ${seconds(begun?.time)}..${seconds(end?.time)} ${how}`;
  });
}

/** The resources of all sessions: kind, value, seconds from T0 to T0. */
export function holdings({ sessions }: SessionReport): string[] {
  const seconds = (time: number | undefined) => (time === undefined ? '?' : Math.floor(time / 1000) - T0);
  return sessions.flatMap(({ resources }) =>
    resources.map(({ kind, value, start: given, end, failed }) => {
      return `${kind} ${value} ${seconds(given?.time)}..${failed ? 'failed' : seconds(end?.time)}`;
    }),
  );
}
