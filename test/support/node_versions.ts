// The versions of Node that programs may run on. scripts/setup installs them beside the one that runs the tests.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { test } from '@jest/globals';
import { ROOT } from './paths.js';
import { requireThat } from './tools.js';

export interface NodeVersion {
  readonly major: number;
  /** Path of the program. */
  readonly program: string;
  /** jest's `test` where this version is installed, else `test.skip`. */
  readonly test: typeof test | typeof test.skip;
}

const versions: Record<string, string> = JSON.parse(
  readFileSync(join(ROOT, 'test/support/node_versions.json'), 'utf8'),
);
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

export const nodeVersions: readonly NodeVersion[] = Object.entries(versions).map(([major, version]) => {
  const program = join(cache, 'virtshim/nodes', version, `node_modules/node-linux-${process.arch}/bin/node`);
  return {
    major: Number(major),
    program,
    test: requireThat(existsSync(program), `Node ${version} is not installed (scripts/setup test)`),
  };
});
