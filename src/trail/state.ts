import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the writers know about the end of a trail; native/audit/state.cc lays the file out. */
export interface TrailState {
  /** Sequence number of the last record. */
  readonly seq: number;
  /** Size of trail.xml in bytes. */
  readonly size: number;
  /** Chain value of the last record, hex. */
  readonly chain: string;
}

const MAGIC = 'VSTRAIL1';
const CURRENT_AT = 192;
const COMMITS_AT = 200;
const POSITION_BYTES = 64;
const COMMIT_BYTES = POSITION_BYTES + 8;
const MASK = (1n << 64n) - 1n;

/** Reads .trail.state; undefined where there is none that can be trusted. */
export async function readState(file: string): Promise<TrailState | undefined> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined || bytes.length < COMMITS_AT + 2 * COMMIT_BYTES) return undefined;
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const current = bytes.readUInt32LE(CURRENT_AT) & 1;
  return commitAt(bytes, current) ?? commitAt(bytes, current ^ 1);
}

function commitAt(bytes: Buffer, index: number): TrailState | undefined {
  const at = COMMITS_AT + index * COMMIT_BYTES;
  const position = bytes.subarray(at, at + POSITION_BYTES);
  if (checkOf(position) !== bytes.readBigUInt64LE(at + POSITION_BYTES)) return undefined;
  return {
    seq: Number(position.readBigUInt64LE(0)),
    size: Number(position.readBigUInt64LE(8)),
    chain: position.toString('hex', 32, POSITION_BYTES),
  };
}

function checkOf(position: Buffer): bigint {
  let sum = 0x76697274n;
  let salt = 0n;
  for (let at = 0; at < POSITION_BYTES; at += 8) {
    salt = (salt + 0xd6e8feb86659fd93n) & MASK;
    sum = (sum + (position.readBigUInt64LE(at) ^ salt) * 0x9e3779b97f4a7c15n) & MASK;
  }
  return sum ^ (sum >> 29n);
}

const KEY_BYTES = 32;

/** What audit text calls a trail (`trail=`); undefined where its key cannot be read. native/audit/trail.cc makes it. */
export async function trailId(dir: string): Promise<string | undefined> {
  const key = await readFile(join(dir, 'trail.key')).catch(() => undefined);
  if (key?.length !== KEY_BYTES) return undefined;
  return createHmac('sha256', key).update('virtshim trail').digest('hex').slice(0, 16);
}
