// Calls that libvirt makes to itself are not the program's; calls that the program makes from libvirt's callbacks are.
import { describe, expect } from '@jest/globals';
import { fakeLibvirt } from '../support/fake_libvirt.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import type { TrailRecord } from '../support/records.js';
import { deny, imageFile, permissiveExcept, runBare, runShimmed } from '../support/shim.js';

const test = requireFixtures();

const program = () => compileFixture('nested.c', { flags: ['-O2', '-lvirt'] });
const recordAll = { audit: { netlink: false, levels: { '*': 'request-response' as const } } };

const summary = (records: readonly TrailRecord[], event: string) =>
  records.filter((record) => record.event === event).map((record) => [record.root, record.effect, record.nested]);

const permitted = [
  ['methodcall', 'permitted', false],
  ['methodresponse', 'permitted', false],
];
const denied = [['methodresponse', 'denied', false]];

describe("the program's calls from a callback", () => {
  test.each([
    ['timeout', 'virDomainDestroy', 'destroy'],
    ['event', 'virDomainResume', 'resume'],
    ['error', 'virDomainDestroy', 'destroy'],
  ])('%s: recorded as its own', (how, event) => {
    const run = runShimmed(program(), [how]);
    expect(run.stdout).toBe(runBare(program(), [how]).stdout);
    expect(summary(run.records, event)).toEqual(permitted);
  });

  test.each([
    ['timeout', 'virDomainDestroy', 'destroy'],
    ['event', 'virDomainResume', 'resume'],
    ['error', 'virDomainDestroy', 'destroy'],
  ])('%s: judged as its own by a rule', async (how, event, step) => {
    const policy = await imageFile(permissiveExcept([deny('no', [event])]));
    const run = runShimmed(program(), [how], { policy });
    expect(run.stdout).toContain(`${step} -1`);
    expect(summary(run.records, event)).toEqual(denied);
  });

  test.each([
    ['timeout', 'virDomainDestroy', 'destroy'],
    ['event', 'virDomainResume', 'resume'],
  ])('%s: judged as its own by a default', async (how, event, step) => {
    const others = { id: 'others', effect: 'allow' as const, actions: ['virDomainSuspend'] };
    const defaults = { '*': 'allow', control: 'deny' } as const;
    const policy = await imageFile({ name: 'test', defaults, audit: { netlink: false }, rules: [others] });
    const run = runShimmed(program(), [how], { policy });
    expect(run.stdout).toContain(`${step} -1 88`);
    expect(summary(run.records, event)).toEqual(denied);
  });
});

describe("libvirt's calls to itself", () => {
  test('are not recorded', async () => {
    const run = runShimmed(program(), ['stream'], { policy: await imageFile(permissiveExcept([], recordAll)) });
    expect(run.stdout).toBe(runBare(program(), ['stream']).stdout);
    expect(summary(run.records, 'virStreamSendAll')).toEqual(permitted);
    expect(run.records.filter((record) => ['virStreamSend', 'virStreamAbort'].includes(record.event ?? ''))).toEqual(
      [],
    );
  });

  test('are not refused by a default or a rule about queries and transfers', async () => {
    const rules = [deny('no', ['virStreamSend', 'virStreamAbort'])];
    const run = runShimmed(program(), ['stream'], { policy: await imageFile(permissiveExcept(rules)) });
    expect(run.stdout).toBe(runBare(program(), ['stream']).stdout);
  });

  test('a callback that ends in a jump looks like one: an explicit denial holds, and is recorded', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'], ['test'])]));
    const run = runShimmed(program(), ['tail'], { policy });
    expect(run.stdout).toBe('active 1\n');
    expect(summary(run.records, 'virDomainDestroy')).toEqual([['methodresponse', 'denied', true]]);
  });

  test('a denial about another guest does not stop it', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'], ['other'])]));
    expect(runShimmed(program(), ['tail'], { policy }).stdout).toBe('active 0\n');
    expect(runBare(program(), ['tail']).stdout).toBe('active 0\n');
  });

  test('through its own PLT: permitted and unrecorded unless a rule denies it', async () => {
    const env = { LD_LIBRARY_PATH: fakeLibvirt() };
    const caller = compileFixture('by_name.c', { flags: ['-ldl'] });
    const calls = ['virDomainReboot', 'virDomainIsActive'];
    const run = runShimmed(caller, calls, { env, policy: await imageFile(permissiveExcept([], recordAll)) });
    expect(run.stdout).toMatch(/virDomainReboot 0\nvirDomainIsActive 0\n$/);
    expect(summary(run.records, 'virDomainReboot')).toEqual(permitted);
    expect(summary(run.records, 'virDomainDestroy')).toEqual([]);
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])]));
    const refused = runShimmed(caller, calls, { env, policy });
    expect(refused.stdout).toMatch(/virDomainReboot -1 access denied: virDomainDestroy.*\nvirDomainIsActive 1\n$/);
    expect(summary(refused.records, 'virDomainDestroy')).toEqual([['methodresponse', 'denied', true]]);
    expect(refused.records.at(-1)).toMatchObject({ event: 'virDomainReboot', state: 0, error: { code: 88 } });
  });
});
