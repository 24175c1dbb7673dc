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
/** A quoted value, the quote that opens `msg='...'`, or a word. */
const FIELD = /([A-Za-z][\w-]*)=(?:("[^"]*")|'|([^ ]*))/g;
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

function fieldsOf(text: string): AuditField[] {
  const fields: AuditField[] = [];
  for (const [, name = '', quoted, word] of text.matchAll(FIELD)) {
    const raw = quoted ?? word;
    // What closes the message, and what old kernels put between fields, is no part of a value.
    if (raw !== undefined) fields.push({ name, raw: quoted === undefined ? raw.replace(/[',):]+$/, '') : raw });
  }
  return fields;
}

/** The first field of that name, as it stands there. */
export function rawField({ fields }: AuditRecord, name: string): string | undefined {
  return fields.find((field) => field.name === name)?.raw;
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
