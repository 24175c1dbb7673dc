// /etc/virtshim/policy.img: nothing in a program's environment can loosen it. Each test has its own view of /etc.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { PolicyDocument } from '../../src/policy/document.js';
import { callsProgram, withDomain } from '../support/calls.js';
import { temporaryFolder } from '../support/paths.js';
import { canMountPrivately, type Mount, withMounts } from '../support/private_mounts.js';
import {
  compileImage,
  deny,
  imageFile,
  permissiveExcept,
  readRecords,
  runShimmed,
  type ShimOptions,
} from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const test = requireThat(canMountPrivately, 'needs mounts of its own');

const steps = [...withDomain, 'suspend', 'destroy'];
const noDestroy = deny('host-no-destroy', ['virDomainDestroy']);

/** A view of the machine on which this image is the host's policy, and /var/log is a folder of the test. */
function hostWith(image: Uint8Array | undefined, mode = 0o600): { mounts: Mount[]; log: string } {
  const etc = temporaryFolder('etc');
  const log = temporaryFolder('log');
  chmodSync(etc, 0o755);
  if (image !== undefined) {
    mkdirSync(join(etc, 'virtshim'), { mode: 0o755 });
    writeFileSync(join(etc, 'virtshim/policy.img'), image);
    chmodSync(join(etc, 'virtshim/policy.img'), mode);
  }
  // libvirt and the C library read little of /etc that the test driver needs.
  return {
    mounts: [
      { path: '/etc', source: etc },
      { path: '/var/log', source: log },
    ],
    log,
  };
}

async function runOnHost(document: PolicyDocument | Uint8Array, options: ShimOptions = {}, mode = 0o600) {
  const image = document instanceof Uint8Array ? document : await compileImage(document);
  const host = hostWith(image, mode);
  const run = runShimmed(...withMounts(host.mounts, callsProgram(), steps), options);
  expect(run).toMatchObject({ status: 0, stderr: '' });
  return { ...run, hostRecords: readRecords(join(host.log, 'virtshim')) };
}

/** Whether `destroy` was refused by the host's rule, and `suspend` was not. */
function expectHostRule(run: { stdout: string }): void {
  expect(run.stdout).toMatch(/^suspend\t0\t/m);
  expect(run.stdout).toMatch(/^destroy\t-1\t.*rule 'host-no-destroy' of policy 'test'/m);
}

describe('a host policy', () => {
  test('holds without anything in the environment', async () => {
    expectHostRule(await runOnHost(permissiveExcept([noDestroy]), { env: { VIRTSHIM_TRAIL: '' } }));
  });

  test('holds for a program that names a policy which permits everything', async () => {
    expectHostRule(await runOnHost(permissiveExcept([noDestroy]), { policy: await imageFile(permissiveExcept([])) }));
  });

  test.each(['permissive', 'disabled'] as const)('is not loosened by mode %s', async (mode) => {
    expectHostRule(await runOnHost(permissiveExcept([noDestroy]), { mode }));
  });

  test('is made stricter by mode enforcing', async () => {
    expectHostRule(await runOnHost(permissiveExcept([noDestroy], { mode: 'permissive' }), { mode: 'enforcing' }));
  });

  test('applies together with the policy that the environment names', async () => {
    const own = permissiveExcept([deny('own-no-suspend', ['virDomainSuspend'])], { name: 'own' });
    const run = await runOnHost(permissiveExcept([noDestroy]), { policy: await imageFile(own) });
    expect(run.stdout).toMatch(/^suspend\t-1\t.*rule 'own-no-suspend' of policy 'own'/m);
    expect(run.stdout).toMatch(/^destroy\t-1\t.*rule 'host-no-destroy' of policy 'test'/m);
  });

  test('refuses everything where it is broken, whatever the environment says', async () => {
    const broken = Buffer.from('no policy at all'.padEnd(512));
    const policy = await imageFile(permissiveExcept([]));
    const run = await runOnHost(broken, { policy, mode: 'permissive' });
    expect(run.stdout).toMatch(/^open\tnull\t.*the policy cannot be used: .*`\/etc\/virtshim\/policy.img`/m);
  });

  test('refuses everything where others may write to it', async () => {
    const run = await runOnHost(permissiveExcept([]), {}, 0o666);
    expect(run.stdout).toMatch(/^open\tnull\t.*others may write to the file/m);
  });

  test("keeps root's records where it says, not where the environment does", async () => {
    const run = await runOnHost(permissiveExcept([noDestroy], { trail: '/var/log/virtshim' }));
    expect(run.records).toEqual([]);
    expect(run.hostRecords.at(-1)).toMatchObject({ event: 'virDomainDestroy', effect: 'denied' });
  });

  test("keeps root's records in the default folder where it names none", async () => {
    const run = await runOnHost(permissiveExcept([noDestroy]));
    expect(run.records).toEqual([]);
    expect(run.hostRecords.at(-1)).toMatchObject({ event: 'virDomainDestroy', effect: 'denied' });
  });
});

describe('without a host policy', () => {
  test('the environment decides', () => {
    const host = hostWith(undefined);
    const run = runShimmed(...withMounts(host.mounts, callsProgram(), steps));
    expect(run.stdout).toMatch(/^destroy\t0\t/m);
    expect(run.records.at(-1)).toMatchObject({ event: 'virDomainDestroy', state: 1 });
  });
});
