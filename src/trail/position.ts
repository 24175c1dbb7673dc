import { readLines } from './lines.js';

/** A record's place in the chain. */
export interface ChainPosition {
  readonly seq: number;
  /** 64 hex digits. */
  readonly chain: string;
}

const ROOT = /^<\w+ rid="[0-9a-f]{16}" seq="(\d{1,16})"[^>]* chain="([0-9a-f]{64})">/;

/** The last record of a file, compressed or not; undefined where its last line is none. */
export async function positionAtEnd(file: string): Promise<ChainPosition | undefined> {
  let last: Buffer | undefined;
  for await (const lines of readLines(file)) last = lines.findLast(({ bytes }) => bytes.length > 0)?.bytes ?? last;
  const [, seq, chain] = ROOT.exec(last?.toString('latin1', 0, 4096) ?? '') ?? [];
  return seq === undefined || chain === undefined ? undefined : { seq: Number(seq), chain };
}
