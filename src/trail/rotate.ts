import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { systemReason, VirtshimError } from '../errors.js';
import { COMPRESSED_NAME } from '../input/chunks.js';
import { native } from '../native.js';
import { trailFiles } from './lines.js';
import { positionAtEnd } from './position.js';
import { REMOVAL_NOTICE, removalText } from './removal.js';

/** When writers put trail.xml aside by themselves. */
export interface RotationLimits {
  /** Bytes of trail.xml. */
  readonly size?: number;
  /** Seconds since its first record. */
  readonly age?: number;
}

export interface RotateOptions {
  /** Rotate only where one of them is reached. Left out: at once. */
  readonly due?: RotationLimits;
  /** How many files that were put aside stay; the oldest beyond that are removed, and the trail says so. */
  readonly keep?: number;
  /** Compress what was put aside (gzip). */
  readonly compress?: boolean;
}

export interface RotationOutcome {
  /** What trail.xml is called from now on; undefined where it was not due or has no records. */
  readonly rotated?: string;
  readonly removed: readonly string[];
  readonly compressed: readonly string[];
}

const SETTINGS = '.trail.rotation';
const ABANDONED_MS = 10 * 60_000;

/**
 * Puts trail.xml aside under a name with the time and the number of its last record, while programs go on writing:
 * the next record stands in a new trail.xml and follows from the last one. audit.log goes with it. Writers need no
 * signal.
 * @param dir the trail's folder
 * @throws VirtshimError VIRTSHIM_TRAIL_MISSING where there is no trail, VIRTSHIM_FILE where a file cannot be changed
 */
export async function rotateTrail(dir: string, options: RotateOptions = {}): Promise<RotationOutcome> {
  const files = await trailFiles(dir);
  const due = options.due === undefined || (await isDue(join(dir, 'trail.xml'), options.due));
  const rotated = due && files.some((file) => basename(file) === 'trail.xml') ? putAside(dir) : '';
  const removed = options.keep === undefined ? [] : await removeOldest(dir, options.keep);
  const compressed = options.compress === true ? await compressAside(dir, rotated) : [];
  return { ...(rotated !== '' && { rotated }), removed, compressed };
}

function putAside(dir: string): string {
  try {
    return native().rotateTrail(dir);
  } catch (error) {
    throw cannot('rotate the trail in', dir, error);
  }
}

async function isDue(file: string, { size, age }: RotationLimits): Promise<boolean> {
  const status = await stat(file).catch(() => undefined);
  if (status === undefined || status.size === 0) return false;
  if (size !== undefined && status.size >= size) return true;
  const begun = age === undefined ? undefined : await firstTime(file);
  return age !== undefined && begun !== undefined && Date.now() - begun >= age * 1000;
}

async function firstTime(file: string): Promise<number | undefined> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    const time = / time="([^"]*)"/.exec(buffer.toString('latin1', 0, bytesRead))?.[1];
    return time === undefined ? undefined : Date.parse(time);
  } finally {
    await handle.close();
  }
}

/** Files that were put aside, oldest first. */
async function setAside(dir: string): Promise<string[]> {
  return (await trailFiles(dir)).filter((file) => basename(file) !== 'trail.xml');
}

async function removeOldest(dir: string, keep: number): Promise<string[]> {
  const aside = await setAside(dir);
  const old = aside.slice(0, Math.max(0, aside.length - keep));
  const last = old.at(-1);
  if (last === undefined) return [];
  const end = await positionAtEnd(last);
  if (end === undefined) {
    throw new VirtshimError('VIRTSHIM_FILE', `\`${last}\` does not end with a record, and is kept`, {
      hint: 'virtshim trail verify says what is wrong with it',
    });
  }
  // First the word, then the deed: what is announced and still there does no harm.
  try {
    native().appendNotice(dir, REMOVAL_NOTICE, removalText(basename(last), end.seq, end.chain));
    for (const file of old) await removeWithLog(file);
  } catch (error) {
    throw cannot('remove old files from', dir, error);
  }
  return old.map((file) => basename(file));
}

async function removeWithLog(file: string): Promise<void> {
  await rm(file);
  const log = file.replace(COMPRESSED_NAME, '').replace(/trail\.xml(?=[^/]*$)/, 'audit.log');
  if (log !== file) for (const name of [log, `${log}.gz`]) await rm(name, { force: true });
}

async function compressAside(dir: string, justNow: string): Promise<string[]> {
  const done: string[] = [];
  for (const file of await setAside(dir)) {
    if (COMPRESSED_NAME.test(file)) continue;
    const log = file.replace(/trail\.xml(?=[^/]*$)/, 'audit.log');
    // Who writes audit.log notices within a second that it was put aside: the next time it can be compressed.
    for (const each of basename(file) === justNow ? [file] : [file, log])
      if (await compress(each)) done.push(basename(each));
  }
  return done;
}

/** Readers take the compressed file only once the other is gone. False where there is none, or another is at it. */
async function compress(file: string): Promise<boolean> {
  const status = await stat(file).catch(() => undefined);
  const target = `${file}.gz`;
  if (status === undefined || !(await claim(target))) return false;
  try {
    const output = await open(target, 'wx', status.mode & 0o640);
    await pipeline(createReadStream(file), createGzip(), output.createWriteStream({ flush: true }));
    if ((await stat(file)).size !== status.size) throw new Error('the file has grown meanwhile');
    await rm(file);
    return true;
  } catch (error) {
    await rm(target, { force: true });
    throw cannot('compress', file, error);
  }
}

/** What another left half done long ago is removed. */
async function claim(target: string): Promise<boolean> {
  const other = await stat(target).catch(() => undefined);
  if (other === undefined) return true;
  if (Date.now() - other.mtimeMs < ABANDONED_MS) return false;
  await rm(target, { force: true });
  return true;
}

/**
 * Sets when programs put trail.xml aside by themselves; they take it up within a second. No limits: never.
 * @throws VirtshimError VIRTSHIM_FILE where the folder cannot be written
 */
export async function setRotation(dir: string, limits: RotationLimits): Promise<void> {
  const file = join(dir, SETTINGS);
  const lines = [
    limits.size !== undefined && `bytes=${limits.size}\n`,
    limits.age !== undefined && `seconds=${limits.age}\n`,
  ];
  const text = lines.filter(Boolean).join('');
  try {
    if (text === '') return await rm(file, { force: true });
    const fresh = `${file}.${randomBytes(6).toString('hex')}`;
    const handle = await open(fresh, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await rename(fresh, file);
  } catch (error) {
    throw cannot('write', file, error);
  }
}

/** The limits by which programs put trail.xml aside; none where nobody set any. */
export async function rotationOf(dir: string): Promise<RotationLimits> {
  const text = await readFile(join(dir, SETTINGS), 'latin1').catch(() => '');
  const size = /^bytes=(\d+)$/m.exec(text)?.[1];
  const age = /^seconds=(\d+)$/m.exec(text)?.[1];
  return { ...(size !== undefined && { size: Number(size) }), ...(age !== undefined && { age: Number(age) }) };
}

function cannot(what: string, where: string, cause: unknown): VirtshimError {
  if (cause instanceof VirtshimError) return cause;
  return new VirtshimError('VIRTSHIM_FILE', `cannot ${what} \`${where}\`: ${systemReason(cause)}`, { cause });
}
