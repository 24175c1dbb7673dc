// Undoes the escapes of trail.xml: `\\` is a backslash, `\xHH` one byte. Bytes that are not valid UTF-8 become lone
// surrogates U+DC80..U+DCFF, so that every value survives the way to JavaScript and back.

const ESCAPE = /\\(?:\\|x([0-9A-F]{2}))/g;

/** The value that `text` (entities already decoded) stands for. */
export function unescapeValue(text: string): string {
  if (!text.includes('\\')) return text;
  return bytesToText(unescapeBytes(text));
}

/** The very bytes of the value. */
export function unescapeBytes(text: string): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of text.matchAll(ESCAPE)) {
    parts.push(Buffer.from(text.slice(from, match.index)));
    parts.push(match[1] === undefined ? Buffer.from('\\') : Buffer.from([Number.parseInt(match[1], 16)]));
    from = match.index + match[0].length;
  }
  parts.push(Buffer.from(text.slice(from)));
  return Buffer.concat(parts);
}

/** UTF-8 to text; an invalid byte 0xHH becomes U+DCHH. */
export function bytesToText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // It stands for every invalid byte, and for itself.
  return text.includes('\ufffd') ? decodeExactly(bytes) : text;
}

const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeExactly(bytes: Buffer): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return decodeByByte(bytes);
  }
}

function decodeByByte(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = validLength(bytes, at);
    text += length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return text;
}

function validLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    const piece = bytes.subarray(at, at + length);
    if (Buffer.from(piece.toString('utf8')).equals(piece)) return length;
  }
  return 0;
}

/** What the writers escape besides markup: control characters, marks that reorder text, noncharacters, other bytes. */
const HARMFUL =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]|[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;

/** `value` with the escapes of a record, entities left out: the inverse of unescapeValue. */
export function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replace(HARMFUL, escapeCharacter);
}

/** `value` as the writers put it into text and attributes of trail.xml. */
export function escapeXml(value: string): string {
  return escapeValue(value).replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeCharacter(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  // Pairs are ordinary characters, unless they are the last two of their plane.
  if (point > 0xffff && (point & 0xfffe) !== 0xfffe) return character;
  const bytes = [...textToBytes(character)];
  return bytes.map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** The inverse of bytesToText. */
export function textToBytes(text: string): Buffer {
  const parts = text
    .split(/([\udc80-\udcff])/)
    .map((part, index, all) =>
      index % 2 === 1 && !isHighSurrogate(all[index - 1])
        ? Buffer.from([part.charCodeAt(0) - 0xdc00])
        : Buffer.from(part),
    );
  return Buffer.concat(parts);
}

function isHighSurrogate(before: string | undefined): boolean {
  return before !== undefined && /[\ud800-\udbff]$/.test(before);
}
