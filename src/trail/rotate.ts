import { randomBytes } from 'node:crypto';
import { closeSync, createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { systemReason, VirtshimError } from '../errors.js';
import { COMPRESSED_NAME } from '../input/chunks.js';
import { native } from '../native.js';
import { auditFiles, NEWEST, trailFiles } from './lines.js';
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
  /** Another run is at it: nothing was removed or compressed by this one. */
  readonly busy?: boolean;
}

const SETTINGS = '.trail.rotation';
/** What a compressor writes, until it is complete. */
const UNFINISHED = '.trail.compressing-';
/** Who had a file open that was put aside by hand, has noticed by then. */
const SETTLED_MS = 3000;

/**
 * Puts trail.xml aside under a name with the time and the number of its last record, while programs go on writing:
 * the next record stands in a new trail.xml and follows from the last one. audit.log goes with it. Writers need no
 * signal.
 * @param dir the trail's folder
 * @throws VirtshimError VIRTSHIM_TRAIL_MISSING where there is no trail, VIRTSHIM_FILE where a file cannot be changed
 */
export async function rotateTrail(dir: string, options: RotateOptions = {}): Promise<RotationOutcome> {
  const files = await trailFiles(dir);
  const due = options.due === undefined || (await isDue(join(dir, NEWEST), options.due));
  const name = due && files.some((file) => basename(file) === NEWEST) ? putAside(dir) : '';
  const rotated = name === '' ? {} : { rotated: name };
  if (options.keep === undefined && options.compress !== true) return { ...rotated, removed: [], compressed: [] };
  const rest = await alone(dir, async () => ({
    removed: options.keep === undefined ? [] : await removeOldest(dir, options.keep),
    compressed: options.compress === true ? await compressAside(dir, name) : [],
  }));
  return { ...rotated, ...(rest ?? { removed: [], compressed: [], busy: true }) };
}

/** Undefined where another process is at it. */
async function alone<T>(dir: string, work: () => Promise<T>): Promise<T | undefined> {
  const lock = lockOf(dir);
  if (lock === -1) return undefined;
  try {
    return await work();
  } finally {
    closeSync(lock);
  }
}

function lockOf(dir: string): number {
  try {
    return native().lockUpkeep(dir);
  } catch (error) {
    throw cannot('change', dir, error);
  }
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
  const begun = age === undefined ? undefined : await firstTime(file).catch(() => undefined);
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
  return (await trailFiles(dir)).filter((file) => basename(file) !== NEWEST);
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
  // The compressed one of a run that did not come to its end would take its place.
  await rm(`${file}.gz`, { force: true });
  await rm(file);
  const log = file.replace(COMPRESSED_NAME, '').replace(/trail\.xml(?=[^/]*$)/, 'audit.log');
  if (log !== file) for (const name of [log, `${log}.gz`]) await rm(name, { force: true });
}

async function compressAside(dir: string, justNow: string): Promise<string[]> {
  await removeUnfinished(dir);
  const done: string[] = [];
  const aside = [...(await setAside(dir)), ...(await auditFiles(dir)).filter((file) => basename(file) !== 'audit.log')];
  for (const file of aside) {
    if (COMPRESSED_NAME.test(file) || !(basename(file) === justNow || (await isSettled(file)))) continue;
    await compress(dir, file);
    done.push(basename(file));
  }
  return done;
}

/** Nobody writes to it any more: it was put aside some time ago. */
async function isSettled(file: string): Promise<boolean> {
  return Date.now() - (await stat(file)).ctimeMs > SETTLED_MS;
}

/** Left by one that did not come to its end. */
async function removeUnfinished(dir: string): Promise<void> {
  const names = (await readdir(dir)).filter((name) => name.startsWith(UNFINISHED));
  for (const name of names) await rm(join(dir, name), { force: true });
}

/** At any time there is a complete file, whatever happens. */
async function compress(dir: string, file: string): Promise<void> {
  const unfinished = join(dir, `${UNFINISHED}${randomBytes(6).toString('hex')}`);
  try {
    const { mode, size } = await stat(file);
    const output = await open(unfinished, 'wx', mode & 0o640);
    await pipeline(createReadStream(file), createGzip(), output.createWriteStream({ flush: true }));
    if ((await stat(file)).size !== size) throw new Error('it has grown meanwhile');
    await rename(unfinished, `${file}.gz`);
    await rm(file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw cannot('compress', file, error);
  }
}

/**
 * Sets when programs put trail.xml aside by themselves; they take it up within a second. No limits: never.
 * @throws VirtshimError VIRTSHIM_TRAIL_MISSING where there is no trail, VIRTSHIM_FILE where the folder is not the
 * caller's or cannot be written
 */
export async function setRotation(dir: string, limits: RotationLimits): Promise<void> {
  await trailFiles(dir);
  if ((await alone(dir, () => writeSettings(dir, limits))) === undefined) {
    throw new VirtshimError('VIRTSHIM_FILE', `another process rotates the trail in \`${dir}\``, {
      hint: 'try again when it is done',
    });
  }
}

/** True. */
async function writeSettings(dir: string, limits: RotationLimits): Promise<true> {
  const file = join(dir, SETTINGS);
  const lines = [
    limits.size !== undefined && `bytes=${limits.size}\n`,
    limits.age !== undefined && `seconds=${limits.age}\n`,
  ];
  const text = lines.filter(Boolean).join('');
  try {
    if (text === '') await rm(file, { force: true });
    else await replace(file, text);
    return true;
  } catch (error) {
    throw cannot('write', file, error);
  }
}

async function replace(file: string, text: string): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
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
