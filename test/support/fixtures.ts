// Compiles the C programs of test/fixtures/preload, once per content, into a cache in the build folder.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { test } from '@jest/globals';
import { ROOT } from './paths.js';
import { findTool, requireThat } from './tools.js';

const SOURCES = join(ROOT, 'test/fixtures/preload');
const CACHE = join(ROOT, 'build/fixtures');

/** jest's `test` where these programs can be compiled and run, else `test.skip`, with the reason printed once. */
export function requireFixtures(...tools: string[]): typeof test | typeof test.skip {
  const missing = ['cc', ...tools].filter((tool) => findTool(tool) === undefined);
  if (!existsSync('/usr/include/libvirt/libvirt.h')) missing.push("libvirt's headers");
  return requireThat(missing.length === 0, `${missing.join(', ')} not installed`);
}

export interface CompileOptions {
  /** Further arguments of the compiler: libraries, -shared, -D... */
  flags?: readonly string[];
  /** Further text that the result depends on, included before its first line. */
  table?: string;
  /** File name of the result inside a folder of its own, where its name matters (libvirt.so.0). */
  fileName?: string;
}

/** Compiles `test/fixtures/preload/SOURCE` and returns the path of the program or library. */
export function compileFixture(source: string, options: CompileOptions = {}): string {
  const text = readFileSync(join(SOURCES, source), 'utf8');
  const key = createHash('sha256')
    .update(JSON.stringify([source, text, options]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(CACHE, `${source.replace(/\.c$/, '')}-${key}`);
  const result = join(folder, options.fileName ?? 'program');
  if (existsSync(result)) return result;
  mkdirSync(folder, { recursive: true });
  // Test files run side by side: whoever renames last leaves the same file.
  const unfinished = `${result}.${process.pid}`;
  const include = options.table === undefined ? [] : ['-include', tableFile(folder, options.table)];
  const run = spawnSync(
    'cc',
    [
      '-std=gnu11',
      '-D_GNU_SOURCE',
      '-O1',
      '-g',
      '-Wall',
      ...include,
      join(SOURCES, source),
      '-o',
      unfinished,
      ...(options.flags ?? []),
    ],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(`cc ${source}: ${run.stderr}`);
  renameSync(unfinished, result);
  return result;
}

function tableFile(folder: string, table: string): string {
  const file = join(folder, `table.${process.pid}.h`);
  writeFileSync(file, table);
  return file;
}
