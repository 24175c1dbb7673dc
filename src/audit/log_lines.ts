import { wholeLines } from '../input/lines.js';
import { native } from '../native.js';
import { PATIENCE, type Wanted } from './wanted.js';

export interface LogLine {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** How many lines are handed over at once. */
const PLACES = 4096;
const CARRIAGE_RETURN = 0x0d;

/**
 * The lines of an audit log that are wanted, some thousand at a time at most; those that do not begin as records are
 * among them, so that they can be reported. Bytes become characters of the same number.
 */
export async function* logLines(blocks: AsyncIterable<Buffer>, wanted: Wanted): AsyncGenerator<LogLine[]> {
  const { auditLines } = native();
  const places = new Uint32Array(3 * PLACES);
  const state = new Uint32Array(3);
  const bits = (wanted.resources ? 1 : 0) | (wanted.security ? 2 : 0);
  for await (const block of wholeLines(blocks)) {
    state[1] = 0;
    while ((state[1] ?? 0) < block.length) {
      const found = auditLines(block, bits, PATIENCE, places, state);
      if (found > 0) yield linesAt(block, places, found);
    }
  }
}

function linesAt(block: Buffer, places: Uint32Array, count: number): LogLine[] {
  const lines: LogLine[] = [];
  for (let at = 0; at < 3 * count; at += 3) {
    const from = places[at] ?? 0;
    const to = places[at + 1] ?? 0;
    const before = places[at + 2] ?? 0;
    const end = to > from && block[to - 1] === CARRIAGE_RETURN ? to - 1 : to;
    lines.push({ text: block.toString('latin1', from, end), line: before + 1 });
  }
  return lines;
}
