// virsh under valgrind: the script of the long runs, which takes only some seconds.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { ROOT } from '../support/paths.js';
import { bareEnvironment, TESTED_SHIM } from '../support/shim.js';
import { requireTool } from '../support/tools.js';

requireTool(
  'valgrind',
  'virsh',
  'cc',
)('no leak and no wrong access of virsh has the shim as its cause', () => {
  const run = spawnSync(join(ROOT, 'test/soak/leaks'), [], {
    encoding: 'utf8',
    env: bareEnvironment({ VIRTSHIM_TEST_SHIM: TESTED_SHIM }),
    timeout: 110_000,
  });
  expect({ status: run.status, output: run.stdout }).toEqual({
    status: 0,
    output: expect.stringMatching(/^PASS leaks: reports about the shim: 0 of \d+, \d+ records\n$/),
  });
});
