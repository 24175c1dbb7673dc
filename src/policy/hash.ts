/** The hashes by which the evaluator finds rules: FNV-1a of 64 bits, the same as in native/policy/image.h. */

const start = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/** Where a literal stands in the texts that a rule concerns. */
export type LiteralForm = 'prefix' | 'suffix' | 'whole';

/** The hash of a literal for the key at this position in its group. */
export function hashLiteral(position: number, form: LiteralForm, bytes: Uint8Array): bigint {
  switch (form) {
    case 'prefix':
      return hashBytes([position, ...bytes]);
    case 'suffix':
      return hashBytes([position, 0, ...bytes.toReversed()]);
    case 'whole':
      return hashBytes([position, ...bytes, 0]);
  }
}

function hashBytes(bytes: Iterable<number>): bigint {
  let hash = start;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime);
  return hash;
}
