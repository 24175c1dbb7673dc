/** Who called, in words: `alice (auid 1000), virsh, pid 4242, tty pts/3, rule ops-may-destroy, record 5f3a...`. */
import { printable } from '../../printable.js';
import type { Attribution } from '../../report/attribution.js';
import type { CallEvent, Subject } from '../../report/event.js';
import { momentText } from './table.js';

/** The account's name, or the number itself. */
export type NameOf = (uid: number) => string;

/** The person, the program, and where to look it up. Safe to print. */
export function callerText(call: CallEvent, nameOf: NameOf): string {
  const { subject, asserted, rule, rid } = call;
  const { comm, exe, pid, terminal } = subject;
  const actor = asserted?.actor;
  const parts = [
    userText(subject, nameOf),
    actor && `for ${actor}${asserted?.via ? ` of ${asserted.via}` : ''} as it asserts`,
    asserted?.reason && `because "${asserted.reason}" as it asserts`,
    comm ?? exe,
    pid !== undefined && `pid ${pid}`,
    terminal && `tty ${terminal}`,
    rule && `rule ${rule}`,
    rid && `record ${rid}`,
    ...recordedText(call),
  ];
  return printable(parts.filter(Boolean).join(', '));
}

/** Who is logged in, and who the process runs as where that is another. */
export function userText({ uid, auid, userName, loginName }: Subject, nameOf: NameOf): string {
  const user = uid === undefined ? 'somebody' : (userName ?? nameOf(uid));
  if (auid === undefined) return uid === undefined ? user : `${user} (uid ${uid})`;
  const login = `${loginName ?? nameOf(auid)} (auid ${auid})`;
  return uid === undefined || uid === auid ? login : `${login} as ${user}`;
}

/** What only one of the two logs has is told where it is the audit log: a trail can be written by its owner. */
function recordedText({ recordedIn, proof }: CallEvent): string[] {
  return recordedIn.includes('trail') ? [] : [`audit event ${proof.id}`];
}

/** ` by ...`, the candidates, or that nobody asked. */
export function causeText(cause: Attribution, nameOf: NameOf): string {
  switch (cause.kind) {
    case 'call':
      return ` by ${callerText(cause.call, nameOf)}`;
    case 'ambiguous':
      return ambiguityText(cause.candidates, nameOf);
    case 'none':
      return cause.autostart === undefined
        ? ', unattributed: nobody asked for it through the shim'
        : `, unattributed: libvirt may have done it itself, autostart was set by ${callerText(cause.autostart, nameOf)}`;
  }
}

function ambiguityText(candidates: readonly CallEvent[], nameOf: NameOf): string {
  const who = candidates.map((call) => `${requestText(call)} by ${callerText(call, nameOf)}`);
  return who.length === 1 ? `, perhaps because of ${who[0]}` : `, because of one of ${who.length}: ${who.join('; ')}`;
}

/** `virDomainShutdown at 2026-01-31 14:01:50`. */
export function requestText({ operation, time }: CallEvent): string {
  return `${printable(operation)} at ${momentText(time)}`;
}

/** For a column of a table: `alice virsh[4242]`. Not safe to print as it is. */
export function shortCause(cause: Attribution | undefined, nameOf: NameOf): string {
  switch (cause?.kind) {
    case 'call':
      return shortCaller(cause.call, nameOf);
    case 'ambiguous':
      return `${[...new Set(cause.candidates.map((call) => shortCaller(call, nameOf)))].join(' or ')}?`;
    case 'none':
      return 'unattributed';
    default:
      return '';
  }
}

function shortCaller({ subject }: CallEvent, nameOf: NameOf): string {
  const { auid, uid, loginName, userName, comm, pid } = subject;
  const login = auid === undefined ? undefined : (loginName ?? nameOf(auid));
  const user = uid === undefined ? '?' : (userName ?? nameOf(uid));
  return `${login ?? user} ${comm ?? '?'}[${pid ?? '?'}]`;
}
