/** The hashes by which the evaluator finds rules: FNV-1a of 64 bits, the same as in native/policy/image.h. */

const start = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

function hashByte(hash: bigint, byte: number): bigint {
  return BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime);
}

function hashBytes(bytes: Iterable<number>, from = start): bigint {
  let hash = from;
  for (const byte of bytes) hash = hashByte(hash, byte);
  return hash;
}

export function hashPrefix(bytes: Uint8Array): bigint {
  return hashBytes(bytes);
}

/** Names hold no NUL: a final one tells a whole name from a prefix. */
export function hashWhole(bytes: Uint8Array): bigint {
  return hashByte(hashBytes(bytes), 0);
}

/** Two leading NULs tell a uuid, a string here, from a uid of four bytes. */
export function hashUuid(uuid: Uint8Array): bigint {
  return hashBytes(uuid, hashBytes([0, 0]));
}

/** A leading NUL tells a uid from a name. */
export function hashUid(uid: number): bigint {
  return hashBytes([0, uid & 0xff, (uid >>> 8) & 0xff, (uid >>> 16) & 0xff, uid >>> 24]);
}
