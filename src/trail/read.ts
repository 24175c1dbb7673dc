import { stat } from 'node:fs/promises';
import { VirtshimError } from '../errors.js';
import { readBlocks } from '../input/chunks.js';
import { type RawLine, splitLines } from '../input/lines.js';
import { bytesToText } from './escape.js';
import { type RecordTest, recordTest, type TrailFilter } from './filter.js';
import { noAuditLog, type TrailPart, trailParts } from './lines.js';
import { parseRecord } from './parse.js';
import type { TrailLine } from './record.js';

export interface ReadTrailOptions {
  /** Only records for which all of this holds. */
  readonly filter?: TrailFilter;
  /** Called now and then with the bytes that were read since the last time. */
  readonly onRead?: (bytes: number) => void;
}

/**
 * Reads a trail from its oldest record on, rotated and compressed files included; no faster than its lines are taken. A
 * line that is not a record is handed out with the reason, never dropped. With a filter, lines are sought by their
 * bytes before they are parsed, and of those that cannot be meant only the beginning and the end are looked at.
 * @param path the trail's folder, one of its files, or `-` for standard input
 * @throws VirtshimError where there is no trail or it cannot be read
 */
export async function* readTrail(path: string, options: ReadTrailOptions = {}): AsyncGenerator<TrailLine> {
  const test = recordTest(options.filter ?? {});
  const { onRead = () => {} } = options;
  for await (const { file, blocks } of partsAt(path)) yield* readPart(file, counted(blocks, onRead), test);
}

async function* partsAt(path: string): AsyncGenerator<TrailPart> {
  const isFile = path === '-' || (await stat(path).catch(() => undefined))?.isFile() === true;
  if (isFile) yield { file: path, blocks: noAuditLog(path, readBlocks(path)) };
  else yield* trailParts(path);
}

async function* counted(blocks: AsyncIterable<Buffer>, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const block of blocks) {
    onRead(block.length);
    yield block;
  }
}

/** One file of a trail. */
export function readFile(file: string, test: RecordTest): AsyncGenerator<TrailLine> {
  return readPart(file, readBlocks(file), test);
}

async function* readPart(file: string, blocks: AsyncIterable<Buffer>, test: RecordTest): AsyncGenerator<TrailLine> {
  let last = 0;
  try {
    for await (const lines of splitLines(blocks, test.lineTest())) {
      for (const line of lines) {
        last = line.line;
        const read = trailLine(file, line);
        // The block's memory is used again; what is handed out stays.
        if (read !== undefined && isWanted(read, test)) yield { ...read, raw: Buffer.from(read.raw) };
      }
    }
  } catch (error) {
    // What was compressed may be cut or damaged: the lines before that and the other files can still be read.
    if (!(error instanceof VirtshimError) || last === 0) throw error;
    yield { file, line: last + 1, raw: Buffer.alloc(0), problem: error.message };
  }
}

/** What is no record is always told. */
export function isWanted({ record }: TrailLine, { matches }: RecordTest): boolean {
  return record === undefined || matches(record);
}

/** The line as a record or with the reason why it is none; undefined for an empty line. */
export function trailLine(file: string, { bytes, line, complete }: RawLine): TrailLine | undefined {
  if (bytes.length === 0) return undefined;
  const place = { file, line, raw: bytes };
  if (!complete) return { ...place, problem: 'the line is incomplete' };
  try {
    return { ...place, record: parseRecord(bytesToText(bytes)) };
  } catch (error) {
    return { ...place, problem: error instanceof Error ? error.message : String(error) };
  }
}
