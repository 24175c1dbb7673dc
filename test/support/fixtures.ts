// The C programs of test/fixtures/preload.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { test } from '@jest/globals';
import { compile } from './compile.js';
import { ROOT } from './paths.js';
import { findTool, requireThat } from './tools.js';

const SOURCES = join(ROOT, 'test/fixtures/preload');

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
export function compileFixture(source: string, { flags = [], table, fileName }: CompileOptions = {}): string {
  return compile({
    source: join(SOURCES, source),
    flags: ['-D_GNU_SOURCE', ...flags],
    fileName: fileName ?? source.replace(/\.c$/, ''),
    key: table,
    prepare: (folder) => (table === undefined ? [] : ['-include', tableFile(folder, table)]),
  });
}

function tableFile(folder: string, table: string): string {
  const file = join(folder, `table.${process.pid}.h`);
  writeFileSync(file, table);
  return file;
}
