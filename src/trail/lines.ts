import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemReason, VirtshimError } from '../errors.js';
import { COMPRESSED_NAME, isHalfCompressed, readBlocks, readChunks } from '../input/chunks.js';
import { type LineTest, type RawLine, splitLines } from '../input/lines.js';

export type { RawLine } from '../input/lines.js';

/** The lines of a file, compressed or not, one chunk's worth at a time. The buffers stay valid. */
export function readLines(file: string, wanted?: LineTest): AsyncGenerator<RawLine[]> {
  return splitLines(readChunks(file), wanted);
}

/** The file that is written. */
export const NEWEST = 'trail.xml';
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

function sequenceIn(beginning: Buffer): number | undefined {
  const sequence = SEQUENCE.exec(beginning.toString('latin1', 0, BEGINNING))?.[1];
  return sequence === undefined ? undefined : Number(sequence);
}

/**
 * Where a file stands among the others. The middle one of its first three records counts, so that none of them moves
 * the file where someone changed it; where there is none, the number at the end of its name.
 */
async function rankOf(file: string): Promise<number> {
  const first = await firstSequences(file).catch((error: unknown) => {
    if (isDamage(error)) return [];
    throw error;
  });
  first.sort((a, b) => a - b);
  const named = /-(\d+)$/.exec(file.replace(COMPRESSED_NAME, ''))?.[1];
  return first[first.length >> 1] ?? (named === undefined ? Number.POSITIVE_INFINITY : Number(named));
}

async function firstSequences(file: string): Promise<number[]> {
  for await (const chunk of readChunks(file)) {
    const found = chunk.toString('latin1', 0, BEGINNING).matchAll(/^<\w+ rid="\w*" seq="(\d{1,16})"/gm);
    return [...found].slice(0, 3).map(([, sequence]) => Number(sequence));
  }
  return [];
}

/** Whether what is in a file, not the system, keeps it from being read: it is compressed, and cut or damaged. */
export function isDamage(error: unknown): boolean {
  return error instanceof VirtshimError && (error.cause as NodeJS.ErrnoException | undefined)?.syscall === undefined;
}

/** `trail.xml.12` -> 12; `trail.xml` itself is the newest. Other rotated names (`trail.xml-20261123`) sort by text. */
function age(name: string): number {
  if (name === NEWEST) return -1;
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
  const files = await filesCalled(dir, NEWEST);
  if (files.length === 0) throw missing(dir, (await auditFiles(dir)).length > 0);
  const known = await Promise.all(files.map(async (name) => ({ name, rank: await orGone(rankOf(join(dir, name))) })));
  // Infinity less itself is no number, and the names decide.
  return known
    .flatMap(({ name, rank }) => (rank === 'gone' ? [] : { name, rank }))
    .sort((a, b) => a.rank - b.rank || age(b.name) - age(a.name) || (a.name < b.name ? -1 : 1))
    .map(({ name }) => join(dir, name));
}

/** A file may be removed, or called otherwise, since the folder was read. */
async function orGone<T>(asked: Promise<T>): Promise<T | 'gone'> {
  try {
    return await asked;
  } catch (error) {
    if (isGone(error)) return 'gone';
    throw error;
  }
}

/** Whether a file could not be read because it is not there. */
export function isGone(error: unknown): boolean {
  const cause = error instanceof VirtshimError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'ENOENT' && cause.syscall === 'open';
}

/** The audit text of a trail's own: audit.log and what was rotated away, in no particular order. */
export async function auditFiles(dir: string): Promise<string[]> {
  return (await filesCalled(dir, 'audit.log')).map((name) => join(dir, name));
}

/** The names of a file and of what it was rotated to, without those that a compressor is not done with. */
async function filesCalled(dir: string, name: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw missing(dir);
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${dir}\`: ${systemReason(error)}`, {
      cause: error,
      ...(error.code === 'ENOTDIR' && { hint: 'name the folder that holds trail.xml' }),
    });
  });
  const isOne = (other: string) => other === name || other.startsWith(`${name}.`) || other.startsWith(`${name}-`);
  return names.filter((other) => isOne(other) && !isHalfCompressed(other, names));
}

export interface TrailPart {
  readonly file: string;
  /** A block is good until the next one is asked for. */
  readonly blocks: AsyncIterable<Buffer>;
}

/**
 * The files of a trail in turn. It may be rotated meanwhile, and files be compressed: no record is left out by that, and
 * none comes twice. What is removed before its turn is not there to be read.
 * @param enough whether files that were begun meanwhile need not be read: programs may put files aside faster than they
 * are read
 * @throws VirtshimError as trailFiles does
 */
export async function* trailParts(dir: string, enough: () => boolean = () => false): AsyncGenerator<TrailPart> {
  const done = new Set<string>();
  const isNew = (file: string) => !done.has(file.replace(COMPRESSED_NAME, ''));
  for (let round = 0; ; round++) {
    const files = (await trailFiles(dir)).filter(isNew);
    for (const [index, file] of files.filter((each) => basename(each) !== NEWEST).entries()) {
      // In a second round the first file is what was called trail.xml in the first one.
      if (round > 0 && index > 0 && enough()) return;
      done.add(file.replace(COMPRESSED_NAME, ''));
      yield { file, blocks: readBlocks(file) };
    }
    const newest = files.find((file) => basename(file) === NEWEST);
    if (newest === undefined) return;
    const blocks = readBlocks(newest);
    const first = await orGone(blocks.next());
    // What is open stays the same file. Where others were put aside before it was opened, they come first.
    const sequence = first !== 'gone' && first.done === false ? sequenceIn(first.value) : undefined;
    const aside = (await trailFiles(dir)).filter((file) => isNew(file) && basename(file) !== NEWEST);
    const firsts = await Promise.all(aside.map((file) => orGone(firstSequence(file))));
    if (first !== 'gone' && firsts.every((each) => each === sequence)) {
      yield { file: newest, blocks: following(first.done === true ? [] : [first.value], blocks) };
      return;
    }
    await blocks.return(undefined);
  }
}

async function* following(first: readonly Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* first;
    yield* rest;
  } finally {
    // Whoever stops at the first block never asked for the rest, whose file is open.
    await rest.return(undefined);
  }
}

function missing(dir: string, hasAuditLog = false): VirtshimError {
  return new VirtshimError('VIRTSHIM_TRAIL_MISSING', `no trail in \`${dir}\``, {
    hint: hasAuditLog
      ? `name the folder that holds trail.xml; ${reportOf(dir)}`
      : 'name the folder that holds trail.xml; run a program under virtshim to begin a trail',
  });
}

function reportOf(log: string): string {
  const option = log === '-' ? '--stdin' : `--file ${log}`;
  return `\`virtshim report --timeline ${option}\` shows the calls in an audit log`;
}

const AUDIT_RECORD = /^(node=\S+ )?type=[A-Z]/;

/** Hands on what a file holds, unless that is an audit log: none of its lines is a trail's. */
export async function* noAuditLog(file: string, blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let looked = false;
  for await (const block of blocks) {
    if (!looked && AUDIT_RECORD.test(block.toString('latin1', 0, 512))) {
      const what = file === '-' ? 'standard input' : `\`${file}\``;
      throw new VirtshimError('VIRTSHIM_TRAIL_MISSING', `${what} is an audit log, not a trail`, {
        hint: reportOf(file),
      });
    }
    looked = true;
    yield block;
  }
}
