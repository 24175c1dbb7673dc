/** One line of an audit log: raw as the kernel writes it, or enriched by auditd. */

/** A field in the order of the line; texts are latin1, a character a byte. */
export interface AuditField {
  readonly name: string;
  /** As it stands there, quotes included. */
  readonly raw: string;
}

export interface AuditRecord {
  readonly type: string;
  readonly node?: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** As text: a serial number may be larger than a number holds. */
  readonly serial: string;
  /** `seconds.milliseconds:serial`, the event's name. */
  readonly stamp: string;
  readonly fields: readonly AuditField[];
  /** Of enriched lines: what auditd says that numbers mean, by upper-case field name. */
  readonly enriched: ReadonlyMap<string, string>;
  /** The line after its head. */
  readonly body: string;
}

const HEAD = /^(?:node=(\S+) )?type=(\S+) msg=audit\((\d{1,12})\.(\d{3}):(\d{1,20})\): ?/;
const SEPARATOR = '\x1d';

/** The record of a line in latin1, without the line end; where it is none, the reason. */
export function parseAuditLine(line: string): AuditRecord | string {
  const head = HEAD.exec(line);
  if (head === null) return line.includes('msg=audit(') ? 'time and serial number are broken' : 'not an audit record';
  const [whole, node, type = '', seconds, millis, serial = ''] = head;
  const end = line.indexOf(SEPARATOR, whole.length);
  const body = end === -1 ? line.slice(whole.length) : line.slice(whole.length, end);
  return {
    type,
    ...(node !== undefined && { node }),
    time: Number(seconds) * 1000 + Number(millis),
    serial,
    stamp: `${seconds}.${millis}:${serial}`,
    fields: fieldsOf(body),
    enriched: end === -1 ? NONE : new Map(fieldsOf(line.slice(end + 1)).map(({ name, raw }) => [name, unquoted(raw)])),
    body,
  };
}

const NONE: ReadonlyMap<string, string> = new Map();

const QUOTE = 0x22;
const APOSTROPHE = 0x27;

/** Names and values; what stands in quotes is one value, and the quote that opens `msg='...'` is none. */
function fieldsOf(text: string): AuditField[] {
  const fields: AuditField[] = [];
  let from = 0;
  for (let equals = text.indexOf('='); equals !== -1; equals = text.indexOf('=', from)) {
    const name = nameBefore(text, from, equals);
    const opening = text.charCodeAt(equals + 1);
    const closing = opening === QUOTE ? text.indexOf('"', equals + 2) : -1;
    if (opening === APOSTROPHE || name === '') {
      from = equals + 2;
      continue;
    }
    from = closing === -1 ? wordEnd(text, equals + 1) : closing + 1;
    fields.push({ name, raw: closing === -1 ? word(text, equals + 1, from) : text.slice(equals + 1, from) });
  }
  return fields;
}

function nameBefore(text: string, from: number, equals: number): string {
  let start = equals;
  while (start > from && isNameCharacter(text.charCodeAt(start - 1))) start--;
  return text.slice(start, equals);
}

function isNameCharacter(code: number): boolean {
  const letter = code | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
}

function wordEnd(text: string, from: number): number {
  const end = text.indexOf(' ', from);
  return end === -1 ? text.length : end;
}

/** What closes the message, and what old kernels put between fields, is no part of a value. */
function word(text: string, from: number, end: number): string {
  let last = end;
  while (last > from && "',):".includes(text.charAt(last - 1))) last--;
  return text.slice(from, last);
}

/** The first field of that name, as it stands there. */
export function rawField({ fields }: AuditRecord, name: string): string | undefined {
  for (const field of fields) if (field.name === name) return field.raw;
  return undefined;
}

/** The first field of that name without its quotes. */
export function wordField(record: AuditRecord, name: string): string | undefined {
  const raw = rawField(record, name);
  return raw === undefined ? undefined : unquoted(raw);
}

/** A field that is a number; undefined where it is none or stands for "unset". */
export function numberField(record: AuditRecord, name: string): number | undefined {
  const raw = rawField(record, name);
  if (raw === undefined || !/^\d{1,15}$/.test(raw)) return undefined;
  const value = Number(raw);
  return value === UNSET ? undefined : value;
}

const UNSET = 4294967295;

function unquoted(raw: string): string {
  return raw.startsWith('"') ? raw.slice(1, raw.endsWith('"') && raw.length > 1 ? -1 : undefined) : raw;
}

const HEX = /^(?:[0-9A-F]{2})+$/i;

/** The bytes of a field that audit encodes: in quotes as they are, else in hex. `?` and what is neither stays. */
export function decodedBytes(raw: string): Buffer {
  return HEX.test(raw) ? Buffer.from(raw, 'hex') : Buffer.from(unquoted(raw), 'latin1');
}
