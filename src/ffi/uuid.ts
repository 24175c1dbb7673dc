/** UUIDs: 16 bytes in C, text in JavaScript. */

const form = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

export const uuidSize = 16;

/** The bytes of a UUID that is given as text (with or without dashes) or as its bytes; undefined for anything else. */
export function uuidBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array && value.length === uuidSize) return value;
  if (typeof value !== 'string' || !form.test(value)) return undefined;
  return Uint8Array.from(Buffer.from(value.replaceAll('-', ''), 'hex'));
}

/** The usual text of a UUID, in lower case. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
