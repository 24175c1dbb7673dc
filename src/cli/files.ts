import { accessSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { systemReason, VirtshimError } from '../errors.js';

/** What is at `path`; undefined where nothing is, or where it cannot be looked at. */
export function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Whether this process may use `path` so (`constants.R_OK`, ...). */
export function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Writes a text that a command made. Throws VIRTSHIM_FILE where it cannot be written. */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot write \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}
