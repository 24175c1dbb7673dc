// Children stay wrapped, unless the program was asked to keep the shim to itself.
import { copyFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { temporaryFolder } from '../support/paths.js';
import { PRELOAD, runShimmed, TESTED_SHIM } from '../support/shim.js';
import { requireTool } from '../support/tools.js';

const test = requireFixtures('virsh');

// The shell is wrapped itself; virsh is its child.
const script = ['-c', 'echo "$LD_PRELOAD"; virsh -q -c test:///default suspend test && echo suspended'];

/** A library that does nothing, for LD_PRELOAD. */
const other = () => compileFixture('inner.c', { flags: ['-shared', '-fPIC'], fileName: 'libother.so' });

function run(env: NodeJS.ProcessEnv) {
  const outcome = runShimmed('sh', script, { env });
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  const [preload, ended] = outcome.stdout.split('\n');
  expect(ended).toBe('suspended');
  return { preload, seen: outcome.records.filter((record) => record.event === 'virDomainSuspend').length };
}

describe('by default', () => {
  test.each([
    ['unset', {}],
    ['empty', { VIRTSHIM_NO_INHERIT: '' }],
    ['0', { VIRTSHIM_NO_INHERIT: '0' }],
  ])('children are wrapped: VIRTSHIM_NO_INHERIT %s', (_what, env) => {
    expect(run(env)).toEqual({ preload: PRELOAD, seen: 2 });
  });

  requireTool('/usr/bin/python3')('children of children are wrapped', () => {
    const command = 'import subprocess; subprocess.run(["sh", "-c", "virsh -q -c test:///default suspend test"])';
    const { records } = runShimmed('/usr/bin/python3', ['-c', command]);
    expect(records.map((record) => record.event)).toContain('virDomainSuspend');
  });
});

describe('with VIRTSHIM_NO_INHERIT', () => {
  const on = { VIRTSHIM_NO_INHERIT: '1' };

  test('children are not wrapped', () => {
    expect(run({ ...on, LD_PRELOAD: TESTED_SHIM })).toEqual({ preload: '', seen: 0 });
  });

  test.each([
    ['before', () => `${other()}:${TESTED_SHIM}`],
    ['behind', () => `${TESTED_SHIM}:${other()}`],
    ['behind, after a blank', () => `${TESTED_SHIM} ${other()}`],
    ['around', () => `:${TESTED_SHIM}::${other()} ${TESTED_SHIM}:`],
  ])('another library %s stays', (_where, preload) => {
    expect(run({ ...on, LD_PRELOAD: preload() })).toEqual({ preload: other(), seen: 0 });
  });

  test('the program itself stays wrapped', () => {
    const env = { ...on, LD_PRELOAD: TESTED_SHIM };
    const { records } = runShimmed('virsh', ['-q', '-c', 'test:///default', 'suspend', 'test'], { env });
    expect(records.map((record) => record.event)).toContain('virDomainSuspend');
  });

  test('named through a link', () => {
    const link = join(temporaryFolder('link'), 'shim.so');
    symlinkSync(TESTED_SHIM, link);
    expect(run({ ...on, LD_PRELOAD: link })).toEqual({ preload: '', seen: 0 });
  });

  test('named without a folder', () => {
    const env = { ...on, LD_PRELOAD: basename(TESTED_SHIM), LD_LIBRARY_PATH: dirname(TESTED_SHIM) };
    expect(run(env)).toEqual({ preload: '', seen: 0 });
  });

  test('another library of the same name stays', () => {
    const folder = temporaryFolder('same-name');
    const same = join(folder, basename(TESTED_SHIM));
    copyFileSync(other(), same);
    expect(run({ ...on, LD_PRELOAD: `${same}:${TESTED_SHIM}` })).toEqual({ preload: same, seen: 0 });
  });
});
