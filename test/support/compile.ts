// Compiles the C programs of test/fixtures, once per content, into a cache in the build folder.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.js';

const CACHE = join(ROOT, 'build/fixtures');

export interface Program {
  /** Path of the C file. */
  source: string;
  /** Further arguments of the compiler: libraries, -shared, -D... */
  flags: readonly string[];
  /** File name of the result, in a folder of its own. */
  fileName: string;
  /** What else the result depends on. */
  key?: string | undefined;
  /** Writes what the compiler needs beside the source into the folder and returns the arguments that name it. */
  prepare?: ((folder: string) => readonly string[]) | undefined;
}

/** Returns the path of the program or library. */
export function compile({ source, flags, fileName, key, prepare }: Program): string {
  const content = JSON.stringify([readFileSync(source, 'utf8'), flags, key]);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const folder = join(CACHE, `${fileName}-${hash}`);
  const result = join(folder, fileName);
  if (existsSync(result)) return result;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${result}.${process.pid}`;
  const args = ['-std=gnu11', '-O1', '-g', '-Wall', ...(prepare?.(folder) ?? []), source, '-o', unfinished, ...flags];
  const run = spawnSync('cc', args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`cc ${source}: ${run.stderr}`);
  keepFirst(unfinished, result);
  return result;
}

/** Test files run side by side: a program that one of them runs already must not be replaced. */
function keepFirst(unfinished: string, result: string): void {
  try {
    linkSync(unfinished, result);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  rmSync(unfinished);
}
