import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemReason, VirtshimError } from '../errors.js';

/**
 * Keeps `image` in `folder` under the digest of its bytes and returns its path. Written once, mode 0600, by rename, so
 * that a program which starts meanwhile never maps half an image.
 */
export function storeImage(image: Uint8Array, folder: string): string {
  ensurePrivateFolder(folder);
  const path = join(folder, `${createHash('sha256').update(image).digest('hex')}.img`);
  if (!holdsExactly(path, image)) replace(path, image);
  return path;
}

function ensurePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot make the cache folder \`${folder}\`: ${systemReason(error)}`, {
      hint: 'compile the policy with `virtshim policy compile` to a place of your choice and pass the image',
      cause: error,
    });
  }
  const status = lstatSync(folder);
  const mine = status.uid === process.geteuid?.();
  // Who can write here could swap the policy between our check and the program's start.
  if (!status.isDirectory() || !mine || (status.mode & 0o022) !== 0) {
    throw new VirtshimError('VIRTSHIM_FILE', `the cache folder \`${folder}\` is not a folder that only you can write`, {
      hint: `remove it, or make it yours: chmod 700 ${folder}`,
    });
  }
}

function holdsExactly(path: string, image: Uint8Array): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return false;
  }
  try {
    const status = fstatSync(fd);
    const trusted = status.isFile() && status.uid === process.geteuid?.() && (status.mode & 0o077) === 0;
    return trusted && status.size === image.length && readFileSync(fd).equals(image);
  } finally {
    closeSync(fd);
  }
}

function replace(path: string, image: Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      for (let written = 0; written < image.length; ) written += writeSync(fd, image, written);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new VirtshimError('VIRTSHIM_FILE', `cannot write \`${path}\`: ${systemReason(error)}`, { cause: error });
  }
}
