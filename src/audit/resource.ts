/** VIRT_RESOURCE: what a guest was given, and what was taken from it. */
import type { Mutable } from '../mutable.js';
import type { ResourceEvent } from '../report/event.js';
import { type EventMaker, guestOf, proofOf, subjectOf, succeeded } from './parts.js';
import { type AuditRecord, rawField, wordField } from './record.js';
import { shared } from './shared.js';
import { encodedText, textField } from './text.js';

/** Fields that are the same in every record, or that have a place of their own in the event. */
const COMMON = new Set([
  ...['pid', 'uid', 'auid', 'ses', 'subj', 'virt', 'resrc', 'reason', 'vm', 'uuid'],
  ...['exe', 'hostname', 'addr', 'terminal', 'res', 'msg'],
]);
/** Numbers may look like hex, so only these are decoded. */
const NUMERIC = new Set(['mem', 'vcpu', 'iothread']);
const ENCODED = new Set(['path', 'device', 'cgroup', 'disk', 'chardev', 'net']);

/** For a VIRT_RESOURCE record of libvirt, or what is wrong with it. */
export function resourceMaker(record: AuditRecord): EventMaker | string {
  const resource = wordField(record, 'resrc');
  if (resource === undefined) return 'does not say which resource (resrc=)';
  const [guest, subject, success] = [guestOf(record), subjectOf(record), succeeded(record)];
  const reason = wordField(record, 'reason');
  const details = detailsOf(record, resource);
  const { before, after } = change(record, resource, reason, details);
  return (at, order) => {
    const event: Mutable<ResourceEvent> = {
      kind: 'resource',
      time: at.time,
      order,
      proof: proofOf(at),
      guest,
      subject,
      resource,
      success,
      details,
    };
    if (reason !== undefined) event.reason = reason;
    if (before !== undefined) event.before = before;
    if (after !== undefined) event.after = after;
    return event;
  };
}

interface Change {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

function detailsOf(record: AuditRecord, resource: string): Readonly<Record<string, string>> {
  let details: Record<string, string> | undefined;
  for (const { name } of record.fields) {
    if (COMMON.has(name) || name === `old-${resource}` || name === `new-${resource}`) continue;
    const value = ENCODED.has(name) ? textField(record, name) : wordField(record, name);
    if (value === undefined || value === '?') continue;
    details ??= {};
    details[name] ??= texts(value, () => value);
  }
  return details ?? NONE;
}

/** Most records say what there was before and what there is now; the others name one thing, given or taken. */
function change(
  record: AuditRecord,
  resource: string,
  reason: string | undefined,
  details: Readonly<Record<string, string>>,
): Change {
  const before = rawField(record, `old-${resource}`);
  const after = rawField(record, `new-${resource}`);
  if (before !== undefined || after !== undefined) {
    return { before: value(resource, before), after: value(resource, after) };
  }
  const thing = resource === 'cgroup' ? permission(details) : (details.path ?? details.device ?? details[resource]);
  const named = thing ?? details.disk ?? details.chardev;
  return reason === 'detach' ? { before: named } : { after: named };
}

const texts = shared<string>();

/** Nothing, no memory and no processors are no resource. */
function value(resource: string, raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  const text = NUMERIC.has(resource) ? raw : encodedText(raw);
  return text === undefined || text === '0' || text === '?' ? undefined : texts(text, () => text);
}

function permission({
  class: kind,
  path,
  category,
  maj,
  cgroup,
}: Readonly<Record<string, string>>): string | undefined {
  if (kind === 'path') return path ?? cgroup;
  if (kind === 'major') return category ?? maj ?? cgroup;
  return kind ?? cgroup;
}
