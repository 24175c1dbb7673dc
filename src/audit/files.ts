/** Where audit logs are: auditd's own with the rotated ones, or the files that were named. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemReason, VirtshimError } from '../errors.js';
import { COMPRESSED_NAME, isHalfCompressed, readBlocks } from '../input/chunks.js';

export const SYSTEM_LOG = '/var/log/audit/audit.log';

/**
 * A log and what it was rotated to (audit.log.1, audit.log.2.gz, audit.log-20260131.xz, a trail's
 * audit.log-20260131T120000Z-4711), in no particular order; of a folder those of the audit.log in it.
 * @throws VirtshimError VIRTSHIM_FILE where the folder cannot be read or there is none
 */
export async function withRotated(path: string): Promise<string[]> {
  const folder = await isFolder(path);
  const dir = folder ? path : dirname(path);
  const name = folder ? 'audit.log' : basename(path);
  const names = await readdir(dir).catch((cause: unknown) => {
    throw noLog(path, systemReason(cause), cause);
  });
  const single = names.filter((other) => !isHalfCompressed(other, names));
  const found = single.filter((other) => other === name || isRotated(name, other)).map((other) => join(dir, other));
  if (found.length === 0) throw noLog(path, 'no such file or directory');
  return found;
}

/** Whether a path is a folder; a file that is not there is none. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

function isRotated(name: string, other: string): boolean {
  const ending = other.slice(name.length).replace(COMPRESSED_NAME, '');
  return other.startsWith(name) && /^[.-]\d[\dTZ-]*$/.test(ending);
}

function noLog(path: string, reason: string, cause?: unknown): VirtshimError {
  return new VirtshimError('VIRTSHIM_FILE', `cannot read \`${path}\`: ${reason}`, {
    cause,
    hint: 'auditd keeps its log in /var/log/audit, which root alone may read; name another one with --file',
  });
}

const STAMP = /msg=audit\((\d{1,12})\.(\d{3}):/;

/** The time of a file's first record, in milliseconds; undefined where its beginning has none. */
export async function firstTime(file: string): Promise<number | undefined> {
  for await (const block of readBlocks(file)) {
    const match = STAMP.exec(block.toString('latin1', 0, 1 << 16));
    return match === null ? undefined : Number(match[1]) * 1000 + Number(match[2]);
  }
  return undefined;
}

/** Bytes of a file; 0 where that cannot be told. */
export async function fileSize(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
