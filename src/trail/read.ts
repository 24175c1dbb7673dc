import { bytesToText } from './escape.js';
import { readLines, trailFiles } from './lines.js';
import { parseRecord } from './parse.js';
import type { TrailLine, TrailRecord } from './record.js';

/**
 * Reads a trail from its oldest record on, rotated files included. A line that is not a record is handed out with the
 * reason, never dropped.
 * @param dir the trail's folder
 * @throws VirtshimError where there is no trail or it cannot be read
 */
export async function* readTrail(dir: string): AsyncGenerator<TrailLine> {
  for (const file of await trailFiles(dir)) {
    for await (const lines of readLines(file)) {
      for (const { bytes, line, complete } of lines) {
        if (bytes.length > 0) yield { file, line, raw: bytes, ...parsed(bytes, complete) };
      }
    }
  }
}

function parsed(bytes: Buffer, complete: boolean): { record?: TrailRecord; problem?: string } {
  if (!complete) return { problem: 'the line is incomplete' };
  try {
    return { record: parseRecord(bytesToText(bytes)) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
