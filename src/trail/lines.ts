import { createReadStream } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemReason, VirtshimError } from '../errors.js';

const LINE_END = 0x0a;
const CHUNK = 1 << 20;

/** A line without its end; `complete` is false for a last line that has none. */
export interface RawLine {
  readonly bytes: Buffer;
  readonly line: number;
  readonly complete: boolean;
}

/** The lines of a file, one chunk's worth at a time. The buffers stay valid. */
export async function* readLines(file: string): AsyncGenerator<RawLine[]> {
  let rest: Buffer[] = [];
  let line = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
    const lines: RawLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      const bytes = chunk.subarray(from, end);
      lines.push({ bytes: rest.length === 0 ? bytes : Buffer.concat([...rest, bytes]), line: ++line, complete: true });
      rest = [];
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [{ bytes: Buffer.concat(rest), line: line + 1, complete: false }];
}

const SEQUENCE = / seq="(\d+)"/;

/** The sequence number of a file's first record, or undefined where it has none. */
async function firstSequence(file: string): Promise<number | undefined> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    const match = SEQUENCE.exec(buffer.toString('latin1', 0, bytesRead));
    return match === null ? undefined : Number(match[1]);
  } finally {
    await handle.close();
  }
}

/** `trail.xml.12` -> 12; `trail.xml` itself is the newest. Other rotated names (`trail.xml-20261123`) sort by text. */
function age(name: string): number {
  if (name === 'trail.xml') return -1;
  const number = /^trail\.xml\.(\d+)$/.exec(name)?.[1];
  return number === undefined ? 0 : Number(number);
}

const UNREADABLE = /\.(gz|bz2|xz|zst)$/;

/**
 * The files of a trail, oldest first: those that were rotated away and trail.xml. They are put in order by their first
 * record, whatever rotation calls them.
 * @throws VirtshimError VIRTSHIM_TRAIL_MISSING where there is none, VIRTSHIM_FILE where the folder cannot be read
 */
export async function trailFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw missing(dir);
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${dir}\`: ${systemReason(error)}`, { cause: error });
  });
  const files = names.filter((name) => /^trail\.xml([.-]|$)/.test(name) && !UNREADABLE.test(name));
  if (files.length === 0) throw missing(dir);
  const known = await Promise.all(
    files.map(async (name) => ({ name, first: (await firstSequence(join(dir, name))) ?? Number.NaN })),
  );
  known.sort((a, b) => compareFirst(a.first, b.first) || age(b.name) - age(a.name) || (a.name < b.name ? -1 : 1));
  return known.map(({ name }) => join(dir, name));
}

function compareFirst(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? 0 : a - b;
}

function missing(dir: string): VirtshimError {
  return new VirtshimError('VIRTSHIM_TRAIL_MISSING', `no trail in \`${dir}\``, {
    hint: 'name the folder that holds trail.xml; run a program under virtshim to begin a trail',
  });
}
