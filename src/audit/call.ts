/** A libvirt call that virtshim, or another client, recorded as audit text: docs/records.md. */
import type { CallEvent } from '../report/event.js';
import { bytesToText } from '../trail/escape.js';
import { base, given, guestOf, subjectOf, succeeded } from './parts.js';
import { type AuditRecord, numberField, rawField, wordField } from './record.js';
import { textField } from './text.js';

const CLIENT_REASONS = new Set(['permitted', 'denied', 'error']);

/**
 * Whether a record is of a client of libvirt. libvirt's own daemon names neither a URI nor a program's name, its
 * operations are no functions, and none of its reasons is a verdict.
 */
export function isCall(record: AuditRecord): boolean {
  const operation = rawField(record, 'op');
  if (operation !== undefined && /^vir[A-Z]/.test(operation)) return true;
  return (
    rawField(record, 'rid') !== undefined ||
    rawField(record, 'uri') !== undefined ||
    rawField(record, 'comm') !== undefined ||
    CLIENT_REASONS.has(rawField(record, 'reason') ?? '')
  );
}

/** The call of a record. Records of other programs have no record id: theirs is empty. */
export function callEvent(record: AuditRecord, order: number): CallEvent {
  const denied = wordField(record, 'reason') === 'denied';
  const error = numberField(record, 'err');
  const driver = wordField(record, 'virt');
  return {
    kind: 'call',
    ...base(record, order),
    guest: guestOf(record),
    subject: subjectOf(record),
    rid: wordField(record, 'rid') ?? '',
    operation: wordField(record, 'op') ?? '?',
    verdict: denied ? 'denied' : 'permitted',
    success: succeeded(record),
    ...given('rule', percentField(record, 'rule')),
    ...(driver !== undefined && driver !== '?' && { driver }),
    ...given('uri', percentField(record, 'uri')),
    ...(error !== undefined && { error: { code: error } }),
    ...given('asserted', assertedOf(record)),
    ...given('target', targetOf(record)),
    nested: false,
    arguments: argumentsOf(record),
    recordedIn: ['audit'],
  };
}

function assertedOf(record: AuditRecord): CallEvent['asserted'] {
  const asserted = {
    ...given('actor', percentField(record, 'asserted-actor')),
    ...given('via', percentField(record, 'asserted-via')),
    ...given('reason', percentField(record, 'asserted-reason')),
  };
  return Object.keys(asserted).length === 0 ? undefined : asserted;
}

function targetOf(record: AuditRecord): CallEvent['target'] {
  const [kind, ...name] = wordField(record, 'target')?.split(':') ?? [];
  if (kind === undefined) return undefined;
  return { kind, ...(name.length > 0 && { name: percentDecoded(name.join(':')) }) };
}

function argumentsOf(record: AuditRecord): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of ['apiflags', 'dev', 'path', 'new-mem', 'new-vcpu']) {
    const value = name === 'path' ? textField(record, name) : wordField(record, name);
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}

function percentField(record: AuditRecord, name: string): string | undefined {
  const value = wordField(record, name);
  return value === undefined ? undefined : percentDecoded(value);
}

/** Fields that audit tools do not decode are percent-encoded, byte by byte. */
function percentDecoded(text: string): string {
  const bytes = text.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return bytesToText(Buffer.from(bytes, 'latin1'));
}
