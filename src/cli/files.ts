import { accessSync, type Stats, statSync } from 'node:fs';

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
