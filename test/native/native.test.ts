// Runs every native test program that gyp built; a source without a program is a failure, not a skip.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { BUILD } from '../support/paths.js';

const sources = readdirSync(__dirname).filter((file) => file.endsWith('.cc'));

describe('native programs', () => {
  test.each(sources)('%s', (source) => {
    const program = join(BUILD, `test_${source.replace(/\.cc$/, '')}`);
    expect(existsSync(program)).toBe(true);
    const run = spawnSync(program, [], { encoding: 'utf8', timeout: 110_000 });
    const outcome = run.status === 0 ? 'exit 0' : `exit ${run.status ?? run.signal}\n${run.stdout}${run.stderr}`;
    expect(outcome).toBe('exit 0');
  });
});
