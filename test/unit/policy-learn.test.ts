// Policies that are learnt from trails: what they allow, what they do not, and how they are scored.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkPolicy } from '../../src/policy/check.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import type { Request } from '../../src/policy/evaluate.js';
import { type LearnOptions, type LearntPolicy, learnPolicy } from '../../src/policy/learn.js';
import { loadPolicy } from '../../src/policy/load.js';
import { namesWith } from '../../src/policy/name_service.js';
import { type Recorded, recordedTrail, ridOf } from '../support/recorded_calls.js';
import { decide } from './policy_tools.js';

const names = namesWith({
  users: { alice: { uid: 1001, groups: ['operators'] }, bob: { uid: 1002 } },
  groups: { operators: 2001 },
});

const flags = (value: number): string => `<domain>g</domain><flags>${value}</flags>`;

async function learn(calls: readonly Recorded[], levels: LearnOptions['levels'] = {}): Promise<LearntPolicy> {
  return learnPolicy(recordedTrail(calls), { levels, names });
}

const documentOf = ({ text }: LearntPolicy): PolicyDocument => JSON.parse(text) as PolicyDocument;
const rulesOf = (learnt: LearntPolicy): readonly RuleDocument[] => documentOf(learnt).rules ?? [];

const call = (name: string, more: Partial<Request> = {}): Request => ({
  function: name,
  uid: 1001,
  connection: { uri: 'test:///default' },
  resource: { kind: 'domain', name: 'web-1' },
  ...more,
});

async function effectOf(learnt: LearntPolicy, request: Request): Promise<string> {
  return (await decide(documentOf(learnt), request)).effect;
}

describe('what is allowed', () => {
  const suspends = ['web-1', 'web-2'].map((name) => ({ call: 'virDomainSuspend', name }));

  test('exactly what was seen, nothing beside it', async () => {
    const learnt = await learn(suspends);
    expect(learnt).toMatchObject({ calls: 2, rules: 1, refused: [], leftOut: {} });
    expect(rulesOf(learnt)).toEqual([
      {
        id: 'alice-control-domain',
        description: `2 calls, the first in record ${ridOf(0)}`,
        effect: 'allow',
        actions: ['virDomainSuspend'],
        subjects: { users: ['alice'] },
        connections: { uris: ['test:///default'] },
        resources: { names: ['web-1', 'web-2'] },
      },
    ]);
    expect(await effectOf(learnt, call('virDomainSuspend'))).toBe('allow');
    expect(await effectOf(learnt, call('virDomainSuspend', { uid: 1002 }))).toBe('deny');
    expect(await effectOf(learnt, call('virDomainSuspend', { connection: { uri: 'qemu:///system' } }))).toBe('deny');
    expect(await effectOf(learnt, call('virDomainSuspend', { resource: { kind: 'domain', name: 'web-3' } }))).toBe(
      'deny',
    );
    expect(await effectOf(learnt, call('virDomainDestroy'))).toBe('deny');
  });

  test('who did what to which guest is not mixed', async () => {
    const learnt = await learn([
      { call: 'virDomainSuspend', name: 'a' },
      { call: 'virDomainResume', name: 'b' },
      { call: 'virDomainSuspend', name: 'b', uid: 1002 },
    ]);
    const tried = ['virDomainSuspend', 'virDomainResume'].flatMap((name) =>
      ['a', 'b'].flatMap((guest) =>
        [1001, 1002].map((uid) => call(name, { uid, resource: { kind: 'domain', name: guest } })),
      ),
    );
    const effects = await Promise.all(tried.map((one) => effectOf(learnt, one)));
    expect(
      tried.filter((_, index) => effects[index] === 'allow').map((one) => [one.function, one.resource?.name, one.uid]),
    ).toEqual([
      ['virDomainSuspend', 'a', 1001],
      ['virDomainSuspend', 'b', 1002],
      ['virDomainResume', 'b', 1001],
    ]);
  });

  test.each([
    ['prefix', 'web-99', 'allow'],
    ['prefix', 'db-1', 'deny'],
    ['any', 'db-1', 'allow'],
  ] as const)('names %s: on %s %s', async (level, name, effect) => {
    const learnt = await learn([...suspends, { call: 'virDomainSuspend', name: 'db-0' }], { names: level });
    expect(await effectOf(learnt, call('virDomainSuspend', { resource: { kind: 'domain', name } }))).toBe(effect);
  });

  test('a name that looks like a glob is none', async () => {
    const learnt = await learn([{ call: 'virDomainSuspend', name: 'a*[?]' }]);
    expect(rulesOf(learnt)[0]?.resources).toEqual({ names: ['a\\*[\\?]'] });
    expect(await effectOf(learnt, call('virDomainSuspend', { resource: { kind: 'domain', name: 'a*[?]' } }))).toBe(
      'allow',
    );
    expect(await effectOf(learnt, call('virDomainSuspend', { resource: { kind: 'domain', name: 'abc[d]' } }))).toBe(
      'deny',
    );
  });

  test('users, by name, by number or anybody; connections by driver or any', async () => {
    const seen = [{ call: 'virDomainSuspend', name: 'web-1' }];
    expect(rulesOf(await learn(seen, { subjects: 'uid' }))[0]).toMatchObject({
      id: 'uid-1001-control-domain',
      subjects: { uids: [1001] },
    });
    expect(rulesOf(await learn([{ ...seen[0], call: 'virDomainSuspend', uid: 4_000_000 }]))[0]?.subjects).toEqual({
      uids: [4_000_000],
    });
    expect(rulesOf(await learn(seen, { connections: 'driver' }))[0]?.connections).toEqual({ drivers: ['test'] });
    const open = rulesOf(await learn(seen, { connections: 'any', subjects: 'any' }))[0];
    expect(open).toMatchObject({ id: 'anyone-control-domain' });
    expect(open).not.toHaveProperty('subjects');
    expect(open).not.toHaveProperty('connections');
  });
});

describe('arguments', () => {
  const memory = (value: string, bits: number): Recorded => ({
    ...{ call: 'virDomainSetMemoryFlags', name: 'web-1' },
    params: `<domain>web-1</domain><memory>${value}</memory><flags>${bits}</flags>`,
  });
  const set = (value: bigint, bits: number): Request =>
    call('virDomainSetMemoryFlags', { arguments: { memory: value, flags: bits } });

  test.each([
    ['exact', set(1024n, 1), 'allow'],
    ['exact', set(2048n, 1), 'deny'],
    ['exact', set(1024n, 2), 'deny'],
    ['range', set(2048n, 1), 'allow'],
    ['range', set(4097n, 1), 'deny'],
    ['range', set(2048n, 2), 'deny'],
    ['any', set(9999n, 1), 'allow'],
    ['any', set(1024n, 2), 'deny'],
  ] as const)('%s: %j', async (level, request, effect) => {
    const learnt = await learn([memory('1024', 1), memory('4096', 1)], { arguments: level });
    expect(learnt.refused).toEqual([]);
    expect(await effectOf(learnt, request)).toBe(effect);
  });

  test('flags that were seen, together too; a flag that was always there cannot be left out where that asks for more', async () => {
    const learnt = await learn([memory('1024', 1), memory('1024', 5)], { arguments: 'range' });
    expect(rulesOf(learnt)[0]?.arguments).toEqual({
      memory: { equal: 1024 },
      flags: { hasNone: [0xffffffff - 5], hasAny: [3] },
    });
    // Without VIR_DOMAIN_AFFECT_LIVE it could change the definition.
    expect(await effectOf(learnt, set(1024n, 0))).toBe('deny');
    expect(await effectOf(learnt, set(1024n, 5))).toBe('allow');
  });

  test('integers of 64 bits stay what they are', async () => {
    const learnt = await learn([memory('18446744073709551615', 0)]);
    expect(learnt.text).toContain('"equal": 18446744073709551615');
    expect(learnt.refused).toEqual([]);
    const { policy } = loadPolicy(learnt.text, 'p.json');
    expect(policy?.rules[0]?.arguments[0]?.operand).toBe(18446744073709551615n);
  });

  test('fields of typed parameters', async () => {
    const params = (shares: number) =>
      `<domain>web-1</domain><params><field name="cpu_shares" type="ullong">${shares}</field></params><nparams>1</nparams><flags>0</flags>`;
    const seen = [100, 300].map((shares) => ({
      ...{ call: 'virDomainSetSchedulerParametersFlags', name: 'web-1', params: params(shares) },
    }));
    const learnt = await learn(seen, { arguments: 'range' });
    expect(learnt.refused).toEqual([]);
    expect(rulesOf(learnt)[0]?.arguments).toEqual({
      'params.cpu_shares': { greaterOrEqual: 100, lessOrEqual: 300 },
      flags: { equal: 0 },
    });
  });

  test('neither XML, nor secrets, nor their digests, nor what names the resource', async () => {
    const learnt = await learn([
      {
        call: 'virDomainDefineXMLFlags',
        name: 'web-1',
        params: `<conn kind="connect"/><xml>&lt;domain/&gt;</xml><flags>0</flags>`,
      },
      { call: 'virDomainLookupByName', name: 'web-1', params: `<conn kind="connect"/><name>web-1</name>` },
      {
        ...{ call: 'virDomainSetUserPassword', name: 'web-1' },
        params: `<dom>web-1</dom><user>root</user><password>hmac:0123456789abcdef</password><flags>0</flags>`,
      },
      {
        call: 'virConnectOpen',
        kind: 'connect',
        uri: 'esx://h/?password=hmac:0123456789abcdef',
        params: '<name>x</name>',
      },
    ]);
    expect(learnt.refused).toEqual([]);
    expect(learnt.text).not.toContain('hmac');
    const byFunction = Object.fromEntries(rulesOf(learnt).map((rule) => [rule.actions[0], rule.arguments]));
    expect(byFunction).toEqual({
      virDomainDefineXMLFlags: { flags: { equal: 0 } },
      virDomainLookupByName: undefined,
      virDomainSetUserPassword: { user: { equal: 'root' }, flags: { equal: 0 } },
      virConnectOpen: undefined,
    });
    const open = rulesOf(learnt).find(({ actions }) => actions[0] === 'virConnectOpen');
    expect(open?.connections).toEqual({ uris: ['esx://h/\\?password=*'] });
  });
});

describe('what is left out', () => {
  test('refused and nested calls, helpers, failures of which nobody knows what they were about', async () => {
    const learnt = await learn([
      { call: 'virDomainSuspend', name: 'web-1' },
      { call: 'virDomainDestroy', name: 'web-1', effect: 'denied', failed: true },
      { call: 'virDomainResume', name: 'web-1', nested: true },
      { call: 'virDomainFree', name: 'web-1' },
      { call: 'virDomainLookupByID', failed: true, params: '<conn kind="connect"/><id>77</id>' },
      { call: 'virConnectOpen', kind: 'connect', uri: '', failed: true, params: '<name null="1"/>' },
    ]);
    expect(learnt.calls).toBe(1);
    expect(learnt.leftOut).toEqual({
      ...{ refused: 1, nested: 1, helper: 1 },
      'failed before it was known what it was about': 2,
    });
  });

  test('what would have been denied in permissive mode was done, and is learnt', async () => {
    expect((await learn([{ call: 'virDomainDestroy', name: 'web-1', effect: 'would-deny' }])).calls).toBe(1);
  });

  test('nothing to learn from is an error', async () => {
    await expect(learn([{ call: 'virDomainFree' }])).rejects.toMatchObject({ code: 'VIRTSHIM_USAGE' });
  });
});

test('the text is the same whenever it is made, is valid, and has one id a rule', async () => {
  const calls = ['virDomainSuspend', 'virDomainGetInfo', 'virDomainGetXMLDesc', 'virNetworkDestroy'].flatMap((name) =>
    ['a', 'b', 'c.1', 'c.2'].flatMap((guest) =>
      [1001, 1002].map((uid) => ({ call: name, name: guest, uid, params: flags(uid % 2) })),
    ),
  );
  const [first, again] = [await learn(calls), await learn(calls)];
  expect(again.text).toBe(first.text);
  const shuffled = await learn([...calls].reverse());
  const withoutPlaces = ({ text }: LearntPolicy) => text.replaceAll(/record [0-9a-f]{16}/g, 'record');
  expect(withoutPlaces(shuffled)).toBe(withoutPlaces(first));
  const { policy, diagnostics } = loadPolicy(first.text, 'p.json');
  expect(diagnostics).toEqual([]);
  expect(policy && checkPolicy(policy).filter(({ severity }) => severity === 'error')).toEqual([]);
});

test('whatever was seen, at whatever level: all of it is allowed', async () => {
  const functionNames = [
    'virDomainSuspend',
    'virDomainGetXMLDesc',
    'virDomainSetMemoryFlags',
    'virDomainGetInfo',
    'virDomainDestroyFlags',
  ];
  const one = fc.record({
    call: fc.constantFrom(...functionNames),
    uid: fc.constantFrom(1001, 1002, 77),
    uri: fc.constantFrom('test:///default', 'qemu:///system', 'qemu+ssh://h/system?socket=a*b'),
    name: fc.constantFrom('web-1', 'web-2', 'db1', 'db22', 'a*', '*', '?', 'x\\\\y'),
    params: fc
      .record({ memory: fc.bigInt(0n, 2n ** 64n - 1n), flags: fc.nat(0xffff) })
      .map(({ memory, flags: bits }) => ({ memory, bits })),
  });
  const levels = fc.record({
    subjects: fc.constantFrom('user', 'uid', 'any'),
    connections: fc.constantFrom('uri', 'driver', 'any'),
    names: fc.constantFrom('exact', 'prefix', 'any'),
    arguments: fc.constantFrom('exact', 'range', 'any'),
  } as const);
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 12 }), levels, async (calls, chosen) => {
      const recorded = calls.map(({ params, ...rest }) => ({
        ...rest,
        params: `${rest.call.includes('Memory') ? `<memory>${params.memory}</memory>` : ''}${/Flags|XML/.test(rest.call) ? `<flags>${params.bits}</flags>` : ''}`,
      }));
      const learnt = await learn(recorded, chosen);
      expect(learnt.refused).toEqual([]);
      expect(learnt.calls).toBe(calls.length);
    }),
    { numRuns: 150, seed: 20261123 },
  );
});

describe('the score', () => {
  const day = (guests: readonly string[]) => guests.map((name) => ({ call: 'virDomainSuspend', name }));

  test('of the last calls, and of what never occurred', async () => {
    const trail = recordedTrail([...day(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']), ...day(['a', 'c'])]);
    const { score, calls } = await learnPolicy(trail, { holdOut: 0.2, names });
    expect(calls).toBe(8);
    expect(score).toEqual({
      ...{ calls: 2, allowed: 1 },
      refused: [{ function: 'virDomainSuspend', resource: 'c', uid: 1001, count: 1, record: ridOf(9) }],
      combinations: { known: 3, judged: 3, allowed: 2, neverOccurred: 0 },
    });
  });

  test('generalising costs combinations that never occurred', async () => {
    const trail = recordedTrail([
      ...day(['a', 'b']),
      { call: 'virDomainDestroy', name: 'a' },
      { call: 'virDomainDestroy', name: 'c', uid: 1002 },
      { call: 'virDomainSuspend', name: 'a' },
    ]);
    const scored = async (levels: LearnOptions['levels']) =>
      (await learnPolicy(trail, { holdOut: 0.2, names, ...(levels && { levels }) })).score?.combinations;
    // 2 functions, 2 users, 3 guests.
    expect(await scored({})).toEqual({ known: 12, judged: 12, allowed: 4, neverOccurred: 0 });
    expect(await scored({ names: 'any' })).toEqual({ known: 12, judged: 12, allowed: 9, neverOccurred: 5 });
    expect(await scored({ names: 'any', subjects: 'any' })).toEqual({
      known: 12,
      judged: 12,
      allowed: 12,
      neverOccurred: 8,
    });
  });

  test('of another trail', async () => {
    const trail = recordedTrail(day(['a']));
    const scoreOn = recordedTrail(day(['a', 'a', 'a', 'z']));
    expect((await learnPolicy(trail, { scoreOn, names })).score).toMatchObject({ calls: 4, allowed: 3 });
  });
});
