// libvirts of other ages: functions that the installed one lacks, and functions that the shim does not know.
import { describe, expect } from '@jest/globals';
import { fakeLibvirt } from '../support/fake_libvirt.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { deny, imageFile, permissiveExcept, runBare, runShimmed, type ShimOptions } from '../support/shim.js';

const test = requireFixtures();

const program = () => compileFixture('by_name.c', { flags: ['-ldl'] });

const newer = (calls: string[], options: ShimOptions = {}) =>
  runShimmed(program(), calls, { ...options, env: { LD_LIBRARY_PATH: fakeLibvirt(true) } });
const older = (calls: string[], options: ShimOptions = {}) =>
  runShimmed(program(), calls, { ...options, env: { LD_LIBRARY_PATH: fakeLibvirt() } });

describe('a newer libvirt', () => {
  test('its unknown public functions are found at load and reported once', () => {
    const run = newer(['virDomainSuspend', 'virFutureThing']);
    expect(run.stdout).toMatch(/virDomainSuspend 0\nvirFutureThing 7\n$/);
    const notices = run.records.filter((record) => record.kind === 'unknown-api');
    expect(notices).toHaveLength(1);
    expect(notices[0]?.text).toMatch(/^2 public functions of libvirt\.so\.0 are not interposed: /);
    expect(notices[0]?.text).toContain('virFutureThing');
    expect(notices[0]?.text).toContain('virDomainTeleport');
    expect(notices[0]?.text).not.toContain('virPrivateThing');
  });

  test('where the policy refuses such a libvirt, no connection opens', async () => {
    const policy = await imageFile(permissiveExcept([], { unknownApi: 'deny' }));
    const run = newer([], { policy });
    expect(run.stdout).toMatch(/^open null: access denied: virConnectOpen: .*virFutureThing|virDomainTeleport/);
    expect(run.records.at(-1)).toMatchObject({ event: 'virConnectOpen', effect: 'denied' });
    expect(run.records.at(-1)?.reason).toMatch(
      /functions that are not interposed, such as vir(FutureThing|DomainTeleport)$/,
    );
  });

  test('where the policy allows it, connections open', async () => {
    const policy = await imageFile(permissiveExcept([], { unknownApi: 'allow' }));
    const run = newer(['virFutureThing'], { policy });
    expect(run.stdout).toMatch(/^open object/);
    expect(run.stdout).toMatch(/virFutureThing 7\n$/);
    expect(run.records.filter((record) => record.kind === 'unknown-api')).toHaveLength(1);
  });

  test('in permissive mode connections open though the policy would refuse', async () => {
    const policy = await imageFile(permissiveExcept([], { unknownApi: 'deny', mode: 'permissive' }));
    expect(newer([], { policy }).stdout).toMatch(/^open object/);
  });

  test('known functions are judged as ever', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainSuspend'])], { unknownApi: 'allow' }));
    const run = newer(['virDomainSuspend'], { policy });
    expect(run.stdout).toContain("virDomainSuspend -1 access denied: virDomainSuspend on domain 'guest': rule 'no'");
  });
});

describe('an older libvirt', () => {
  test('is not reported', () => {
    expect(older([]).records.filter((record) => record.root === 'notice')).toEqual([]);
  });

  test('what it lacks fails as a driver that lacks it would', () => {
    const { stdout } = older(['virDomainResume', 'virDomainSuspend', 'virDomainDestroyFlags']);
    const unsupported = '-1 this function is not supported by the connection driver:';
    expect(stdout).toContain(`virDomainResume ${unsupported} virDomainResume\n`);
    expect(stdout).toContain(`virDomainSuspend 0\nvirDomainDestroyFlags ${unsupported} virDomainDestroyFlags\n`);
  });

  test('what it lacks is absent for those who look for it in libvirt, as without the shim', () => {
    const calls = ['@virDomainResume', '@virDomainDestroyFlags'];
    const bare = runBare(program(), calls, { env: { LD_LIBRARY_PATH: fakeLibvirt() } });
    expect(older(calls).stdout).toBe(bare.stdout);
    expect(bare.stdout).toContain('virDomainResume absent');
  });

  test('filters have their name and uuid in the records', () => {
    const { records, stdout } = older(['virNWFilterUndefine']);
    expect(stdout).toMatch(/virNWFilterUndefine 0\n$/);
    const uuid = 'cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd';
    expect(records.at(-1)).toMatchObject({ event: 'virNWFilterUndefine', resource: { name: 'no-spoofing', uuid } });
  });

  test('without libvirt private functions a refusal is an error all the same', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['domain.stop'], ['guest'])]));
    const run = older(['virDomainDestroy', 'virDomainIsActive'], { policy });
    expect(run.stdout).toMatch(/virDomainDestroy -1 access denied: virDomainDestroy on domain 'guest': rule 'no'/);
    expect(run.stdout).toMatch(/virDomainIsActive 1\n$/);
  });
});
