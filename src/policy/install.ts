/** The host's policy: put in place whole or not at all, with the one before kept. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemReason, VirtshimError } from '../errors.js';
import { HOST_POLICY } from '../folders.js';
import { native } from '../native.js';
import { casesBeside, runCases } from './cases.js';
import { unusable, usablePolicy } from './usable_policy.js';

/** An image as people tell it from others. */
export interface PolicyIdentity {
  readonly name: string;
  /** The first 16 hex digits of its digest, as records have them. */
  readonly digest: string;
}

export interface Installation {
  readonly installed: PolicyIdentity;
  /** What was in force before; undefined where nothing was, or nothing that could be used. */
  readonly before: PolicyIdentity | undefined;
  /** False where the same image was in force already, and in a dry run. */
  readonly replaced: boolean;
  /** How many cases passed; undefined where the policy has none. */
  readonly cases: number | undefined;
}

export interface InstallOptions {
  /** Checks everything and writes nothing. */
  readonly dryRun?: boolean;
}

export const PREVIOUS_POLICY = `${HOST_POLICY}.previous`;

/**
 * Makes the policy the host's: checks it, runs the cases beside it (`NAME.cases.json`), compiles it and replaces the
 * image. Where any of it fails, what was in force stays so.
 * @throws VirtshimError where the policy cannot be used, a case fails, or the image cannot be written
 */
export async function installPolicy(file: string, options: InstallOptions = {}): Promise<Installation> {
  const { image } = usablePolicy(file);
  const cases = passedCases(file);
  const installed = identify(image);
  const before = identityOf(HOST_POLICY);
  const replaced = options.dryRun !== true && !(before?.digest === installed.digest && isTrusted(HOST_POLICY));
  if (replaced) replaceImage(image);
  return { installed, before, replaced, cases };
}

/** Puts the policy before the last installation back in force; the two change places. */
export function rollBackPolicy(): Installation {
  const image = readImage(PREVIOUS_POLICY);
  if (image === undefined) {
    throw new VirtshimError('VIRTSHIM_FILE', `there is no earlier policy: \`${PREVIOUS_POLICY}\` is missing`);
  }
  const installed = identify(image);
  const before = identityOf(HOST_POLICY);
  replaceImage(image);
  return { installed, before, replaced: true, cases: undefined };
}

/** What the image at `path` is; undefined where there is none, or none that this version can use. */
export function identityOf(path: string): PolicyIdentity | undefined {
  const image = readImage(path);
  if (image === undefined) return undefined;
  try {
    return identify(image);
  } catch {
    return undefined;
  }
}

function readImage(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${path}\`: ${systemReason(error)}`, { cause: error });
  }
}

/** Throws where the shim would refuse the image. */
function identify(image: Uint8Array): PolicyIdentity {
  const loaded = native().loadPolicy(image);
  if (!loaded.ok) {
    throw new VirtshimError('VIRTSHIM_POLICY_IMAGE', `the image cannot be used: ${loaded.error}`);
  }
  return { name: loaded.name, digest: loaded.digest.slice(0, 16) };
}

function passedCases(file: string): number | undefined {
  const cases = casesBeside(file);
  if (!existsSync(cases)) return undefined;
  const { diagnostics, results } = runCases(cases, { policy: file });
  if (results.length === 0) throw unusable(`the cases in \`${cases}\` cannot be run`, diagnostics);
  const failed = results.filter((result) => !result.passed);
  if (failed.length === 0) return results.length;
  const lines = failed.map(({ line, title }) => `  ${cases}:${line}: ${title}`);
  const message = `${failed.length} of ${results.length} cases fail, the policy was not installed\n${lines.join('\n')}`;
  throw new VirtshimError('VIRTSHIM_POLICY_MEANING', message);
}

// The shim refuses everything where others can write to the image: then the same bytes are no reason to do nothing.
function isTrusted(path: string): boolean {
  const status = lstatSync(path);
  return status.isFile() && (status.mode & 0o022) === 0 && [0, process.geteuid?.()].includes(status.uid);
}

/** Each step leaves a whole policy in force, and nothing is in force before it is on the disk. */
function replaceImage(image: Uint8Array): void {
  const folder = dirname(HOST_POLICY);
  const temporary = temporaryName(HOST_POLICY);
  try {
    ensureFolder(folder);
    removeLeftovers(folder);
    writeDurably(temporary, image);
    keepPrevious();
    renameSync(temporary, HOST_POLICY);
    syncFolder(folder);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (error instanceof VirtshimError) throw error;
    throw new VirtshimError('VIRTSHIM_FILE', `cannot install \`${HOST_POLICY}\`: ${systemReason(error)}`, {
      hint: 'nothing was changed: installing takes root, and room in the folder',
      cause: error,
    });
  }
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}

function ensureFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const status = lstatSync(folder);
  // Who can write here could put another policy in its place.
  if (status.isDirectory() && (status.mode & 0o022) === 0 && [0, process.geteuid?.()].includes(status.uid)) return;
  throw new VirtshimError('VIRTSHIM_FILE', `\`${folder}\` is not a folder that only root can write`, {
    hint: `chown root ${folder} && chmod 755 ${folder}`,
  });
}

// Of installations that were killed.
function removeLeftovers(folder: string): void {
  const leftover = new RegExp(`^${basename(HOST_POLICY)}(\\.previous)?\\.[0-9a-f]{12}\\.tmp$`);
  for (const name of readdirSync(folder)) if (leftover.test(name)) rmSync(join(folder, name), { force: true });
}

/** Readable by all: programs of every user have to read the host's policy. */
function writeDurably(path: string, content: Uint8Array): void {
  const fd = openSync(path, 'wx', 0o644);
  try {
    for (let written = 0; written < content.length; ) written += writeSync(fd, content, written);
    fchmodSync(fd, 0o644);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

// What cannot be used is no policy to go back to: the last good one stays.
function keepPrevious(): void {
  if (identityOf(HOST_POLICY) === undefined) return;
  const temporary = temporaryName(PREVIOUS_POLICY);
  linkSync(HOST_POLICY, temporary);
  renameSync(temporary, PREVIOUS_POLICY);
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
