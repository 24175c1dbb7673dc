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
  /** `seconds.milliseconds:serial`, the event's name. */
  readonly stamp: string;
  readonly fields: FieldList;
  /** Of enriched lines: what auditd says that numbers mean, as it stands there; else empty. */
  readonly enriched: string;
  /** The line after its head, without that. */
  readonly body: string;
  /** All of the line after its head. */
  readonly text: string;
}

const TYPE = 'type=';
const STAMP_BEGIN = ' msg=audit(';
const SEPARATOR = '\x1d';

/** The record of a line in latin1, without the line end; where it is none, the reason. */
export function parseAuditLine(line: string): AuditRecord | string {
  const from = line.startsWith('node=') ? line.indexOf(' ') + 1 : 0;
  const typeEnd = line.indexOf(' ', from);
  if (!line.startsWith(TYPE, from) || typeEnd === -1) return 'not an audit record';
  const stampFrom = typeEnd + STAMP_BEGIN.length;
  const stampEnd = line.indexOf('): ', stampFrom);
  if (!line.startsWith(STAMP_BEGIN, typeEnd)) return 'not an audit record';
  const time = timeAt(line, stampFrom, stampEnd);
  if (time === undefined) return 'time and serial number are broken';
  const stamp = ownCopy(line.slice(stampFrom, stampEnd));
  const text = line.slice(stampEnd + 3);
  const end = text.indexOf(SEPARATOR);
  const body = end === -1 ? text : text.slice(0, end);
  const record: AuditRecord = {
    type: line.slice(from + TYPE.length, typeEnd),
    time,
    stamp,
    fields: new FieldList(body),
    enriched: end === -1 ? '' : text.slice(end + 1),
    body,
    text,
  };
  return from === 0 ? record : { ...record, node: line.slice('node='.length, from - 1) };
}

/**
 * A part of a line that may be kept for long. The engine would keep the whole line with it, unless it is put together
 * anew and looked into.
 */
function ownCopy(part: string): string {
  const copy = part.slice(0, 12) + part.slice(12);
  copy.charCodeAt(0);
  return copy;
}

/** The time of a stamp of 1 to 12 digits, a point, 3 digits, a colon and 1 to 20 digits; undefined where it is none. */
function timeAt(line: string, from: number, end: number): number | undefined {
  const point = digitsEnd(line, from);
  const colon = digitsEnd(line, point + 1);
  const last = digitsEnd(line, colon + 1);
  const sizes = point > from && point - from <= 12 && colon === point + 4 && last > colon + 1 && last - colon <= 21;
  if (!sizes || last !== end || line[point] !== '.' || line[colon] !== ':') return undefined;
  return numberAt(line, from, point) * 1000 + numberAt(line, point + 1, colon);
}

function digitsEnd(line: string, from: number): number {
  let at = from;
  while (isDigit(line.charCodeAt(at))) at++;
  return at;
}

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

function numberAt(line: string, from: number, end: number): number {
  let number = 0;
  for (let at = from; at < end; at++) number = number * 10 + line.charCodeAt(at) - 0x30;
  return number;
}

const QUOTE = 0x22;
const APOSTROPHE = 0x27;

/** The fields of a text, found when the first is asked for, and cut out then: of most of them nobody wants to know. */
export class FieldList {
  readonly #text: string;
  #found: readonly number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Of each field where its name begins and ends, and its value. */
  get #places(): readonly number[] {
    this.#found ??= placesOf(this.#text);
    return this.#found;
  }

  /** The value of the first field of that name, as it stands there. */
  raw(name: string): string | undefined {
    const places = this.#places;
    for (let at = 0; at < places.length; at += 4) {
      const begin = places[at] ?? 0;
      if ((places[at + 1] ?? 0) - begin !== name.length || !this.#text.startsWith(name, begin)) continue;
      return this.#text.slice(places[at + 2], places[at + 3]);
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<AuditField> {
    const [text, places] = [this.#text, this.#places];
    for (let at = 0; at < places.length; at += 4) {
      yield { name: text.slice(places[at], places[at + 1]), raw: text.slice(places[at + 2], places[at + 3]) };
    }
  }
}

/** What stands in quotes is one value, and the quote that opens `msg='...'` is none. */
function placesOf(text: string): number[] {
  const places: number[] = [];
  let from = 0;
  for (let equals = text.indexOf('='); equals !== -1; equals = text.indexOf('=', from)) {
    const begin = nameBegin(text, from, equals);
    const opening = text.charCodeAt(equals + 1);
    const closing = opening === QUOTE ? text.indexOf('"', equals + 2) : -1;
    from = equals + 2;
    if (opening === APOSTROPHE || begin === equals) continue;
    from = closing === -1 ? wordEnd(text, equals + 1) : closing + 1;
    places.push(begin, equals, equals + 1, closing === -1 ? lastOfWord(text, equals + 1, from) : from);
  }
  return places;
}

function nameBegin(text: string, from: number, equals: number): number {
  let begin = equals;
  while (begin > from && isNameCharacter(text.charCodeAt(begin - 1))) begin--;
  return begin;
}

function isNameCharacter(code: number): boolean {
  const letter = code | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || isDigit(code) || code === 0x2d || code === 0x5f;
}

function wordEnd(text: string, from: number): number {
  const end = text.indexOf(' ', from);
  return end === -1 ? text.length : end;
}

/** What closes the message, and what old kernels put between fields, is no part of a value. */
function lastOfWord(text: string, from: number, end: number): number {
  let last = end;
  while (last > from && "',):".includes(text.charAt(last - 1))) last--;
  return last;
}

/** The first field of that name, as it stands there. */
export function rawField({ fields }: AuditRecord, name: string): string | undefined {
  return fields.raw(name);
}

/** What auditd says that a field means; `name` in upper case. */
export function enrichedField({ enriched }: AuditRecord, name: string): string | undefined {
  const raw = new FieldList(enriched).raw(name);
  return raw === undefined ? undefined : unquoted(raw);
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
