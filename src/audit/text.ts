import { bytesToText } from '../trail/escape.js';
import { type AuditRecord, decodedBytes, rawField } from './record.js';

/** Most values are of this kind, and need no decoding. */
const PLAIN = /^"[ -~]*"$/;

/** The text of a field that audit encodes; undefined where there is none or it is `?`. */
export function textField(record: AuditRecord, name: string): string | undefined {
  const raw = rawField(record, name);
  return raw === undefined ? undefined : encodedText(raw);
}

/** The text of an encoded value; undefined for `?`, which stands for nothing. */
export function encodedText(raw: string): string | undefined {
  const text = PLAIN.test(raw) ? raw.slice(1, -1) : bytesToText(decodedBytes(raw));
  return text === '?' || text === '' || text === '(null)' ? undefined : text;
}
