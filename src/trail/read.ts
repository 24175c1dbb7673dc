import { stat } from 'node:fs/promises';
import { VirtshimError } from '../errors.js';
import { bytesToText } from './escape.js';
import { type RecordTest, recordTest, type TrailFilter } from './filter.js';
import { type RawLine, readLines, trailFiles } from './lines.js';
import { parseRecord } from './parse.js';
import type { TrailLine } from './record.js';

export interface ReadTrailOptions {
  /** Only records for which all of this holds. */
  readonly filter?: TrailFilter;
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
  for (const file of await filesAt(path)) yield* readFile(file, test);
}

async function filesAt(path: string): Promise<readonly string[]> {
  if (path === '-' || (await stat(path).catch(() => undefined))?.isFile() === true) return [path];
  return trailFiles(path);
}

/** One file of a trail. */
export async function* readFile(file: string, test: RecordTest): AsyncGenerator<TrailLine> {
  let last = 0;
  try {
    for await (const lines of readLines(file, test.lineTest())) {
      for (const line of lines) {
        last = line.line;
        const read = trailLine(file, line);
        if (read !== undefined && (read.record === undefined || test.matches(read.record))) yield read;
      }
    }
  } catch (error) {
    // What was compressed may be cut or damaged: the lines before that and the other files can still be read.
    if (!(error instanceof VirtshimError) || last === 0) throw error;
    yield { file, line: last + 1, raw: Buffer.alloc(0), problem: error.message };
  }
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
