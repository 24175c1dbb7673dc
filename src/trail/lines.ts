import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemReason, VirtshimError } from '../errors.js';
import { COMPRESSED_NAME, readChunks } from '../input/chunks.js';
import { type LineTest, type RawLine, splitLines } from '../input/lines.js';

export type { RawLine } from '../input/lines.js';

/** The lines of a file, compressed or not, one chunk's worth at a time. The buffers stay valid. */
export function readLines(file: string, wanted?: LineTest): AsyncGenerator<RawLine[]> {
  return splitLines(readChunks(file), wanted);
}

const SEQUENCE = / seq="(\d+)"/;
const BEGINNING = 1 << 16;

/** The sequence number of a file's first record, or undefined where it has none near its beginning. */
export async function firstSequence(file: string): Promise<number | undefined> {
  let text = '';
  for await (const chunk of readChunks(file)) {
    text += chunk.toString('latin1', 0, BEGINNING);
    const match = SEQUENCE.exec(text);
    if (match !== null) return Number(match[1]);
    if (text.length >= BEGINNING) return undefined;
  }
  return undefined;
}

/** `trail.xml.12` -> 12; `trail.xml` itself is the newest. Other rotated names (`trail.xml-20261123`) sort by text. */
function age(name: string): number {
  if (name === 'trail.xml') return -1;
  const number = /^trail\.xml\.(\d+)(\.[a-z]+\d?)?$/.exec(name)?.[1];
  return number === undefined ? 0 : Number(number);
}

/**
 * The files of a trail, oldest first: those that were rotated away, compressed or not, and trail.xml. They are put in
 * order by their first record, whatever rotation calls them.
 * @throws VirtshimError VIRTSHIM_TRAIL_MISSING where there is none, VIRTSHIM_FILE where the folder or one of the files
 * cannot be read
 */
export async function trailFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw missing(dir);
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${dir}\`: ${systemReason(error)}`, { cause: error });
  });
  const files = names.filter((name) => /^trail\.xml([.-]|$)/.test(name) && !isHalfCompressed(name, names));
  if (files.length === 0) throw missing(dir);
  const known = await Promise.all(
    files.map(async (name) => ({ name, first: (await firstSequence(join(dir, name))) ?? Number.POSITIVE_INFINITY })),
  );
  // Infinity less itself is no number, and the names decide.
  known.sort((a, b) => a.first - b.first || age(b.name) - age(a.name) || (a.name < b.name ? -1 : 1));
  return known.map(({ name }) => join(dir, name));
}

/** Compressors remove the file only when the compressed one is complete. */
function isHalfCompressed(name: string, all: readonly string[]): boolean {
  return COMPRESSED_NAME.test(name) && all.includes(name.replace(COMPRESSED_NAME, ''));
}

function missing(dir: string): VirtshimError {
  return new VirtshimError('VIRTSHIM_TRAIL_MISSING', `no trail in \`${dir}\``, {
    hint: 'name the folder that holds trail.xml; run a program under virtshim to begin a trail',
  });
}
