// A short run of test/soak/async: what a call takes is given back, and each failure is its own.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { bareEnvironment } from '../support/shim.js';

interface Figures {
  calls: number;
  failures: number;
  crossed: number;
  grownKiB: number;
}

test('150,000 asynchronous calls of all kinds leave nothing behind', () => {
  const run = spawnSync(process.execPath, ['--expose-gc', join(ROOT, 'test/soak/async.cjs'), '150000'], {
    encoding: 'utf8',
    env: bareEnvironment({ VIRTSHIM_TRAIL: join(temporaryFolder('trail'), 'trail') }),
    timeout: 100_000,
  });
  expect(run.stderr).toBe('');
  const { calls, failures, crossed, grownKiB } = JSON.parse(run.stdout) as Figures;
  expect({ calls: calls >= 150_000, failures: failures > 10_000, crossed }).toEqual({
    calls: true,
    failures: true,
    crossed: 0,
  });
  // A leak of one job a call would be 50 MiB; what V8 and the C library keep for later comes and goes.
  expect(grownKiB).toBeLessThan(32 * 1024);
});
