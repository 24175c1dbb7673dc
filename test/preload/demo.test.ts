// `npm run demo` says itself what is not as expected.
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { command } from '../support/cli.js';
import { ROOT } from '../support/paths.js';
import { requireTool } from '../support/tools.js';

requireTool('virsh', 'ausearch')('the demo ends as it promises', () => {
  const run = command(join(ROOT, 'scripts/demo'), [], { env: { VIRTSHIM_DEMO_AS_BUILT: '1' } });
  expect(run.stdout).not.toContain('NOT AS EXPECTED');
  expect(run.stdout).toContain('All as expected.');
  expect(run.status).toBe(0);
});
