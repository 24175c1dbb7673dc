// Every row of the policy language, through the compiler and the native evaluator.
import { describe, expect, test } from '@jest/globals';
import type { NativeRequest } from '../../src/native.js';
import { native } from '../../src/native.js';
import type { AuditLevel, ComparisonDocument, RuleDocument } from '../../src/policy/document.js';
import { decide, imageOf, matches } from './policy_tools.js';

type Conditions = Partial<Omit<RuleDocument, 'id' | 'effect' | 'actions'>>;

const guest = { kind: 'domain', name: 'prod-1', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f' };
const connection = { uri: 'qemu+ssh://hv2/system', driver: 'qemu', readOnly: false };
const call: NativeRequest = { function: 'virDomainSuspend', uid: 1001, gids: [2001], connection, resource: guest };

/** Whether an allow rule and a deny rule with these conditions match. */
async function both(conditions: Conditions, request: NativeRequest): Promise<readonly [allow: boolean, deny: boolean]> {
  const actions = ['*'];
  return [
    await matches({ effect: 'allow', actions, ...conditions }, request),
    await matches({ effect: 'deny', actions, ...conditions }, request),
  ];
}

const yes = [true, true] as const;
const no = [false, false] as const;
/** What hangs on an unknown fact never opens a door and always closes one. */
const unknown = [false, true] as const;

describe('actions', () => {
  const rows: readonly (readonly [string, string, NativeRequest['arguments'], boolean])[] = [
    ['domain.suspend', 'virDomainSuspend', {}, true],
    ['domain.suspend', 'virDomainDestroy', {}, false],
    ['domain.*', 'virDomainDestroy', {}, true],
    ['*.stop', 'virNetworkDestroy', {}, true],
    ['domain.s?op', 'virDomainDestroy', {}, true],
    ['domain.read-secure', 'virDomainGetXMLDesc', { flags: 0 }, false],
    ['domain.read-secure', 'virDomainGetXMLDesc', { flags: 1 }, true],
    ['domain.save', 'virDomainSetMemoryFlags', { flags: 1 }, false],
    ['domain.save', 'virDomainSetMemoryFlags', { flags: 2 }, true],
    ['domain.save', 'virDomainSetMemoryFlags', { flags: 0 }, true],
    ['domain.write', 'virDomainInterfaceAddresses', { source: 0 }, false],
    ['domain.write', 'virDomainInterfaceAddresses', { source: 1 }, true],
    ['virDomainSuspend', 'virDomainSuspend', {}, true],
    ['virDomainSuspend', 'virDomainResume', {}, false],
    ['virDomain*', 'virDomainMigrate', {}, true],
    ['virDomainCreate*', 'virDomainDestroy', {}, false],
    ['read', 'virDomainGetName', {}, true],
    ['read', 'virDomainGetInfo', {}, true],
    ['read', 'virDomainLookupByName', {}, true],
    ['read', 'virDomainGetXMLDesc', { flags: 0 }, true],
    ['secret', 'virDomainGetXMLDesc', { flags: 0 }, false],
    ['secret', 'virDomainGetXMLDesc', { flags: 1 }, true],
    ['secret', 'virSecretGetValue', {}, true],
    ['connect', 'virConnectOpen', {}, true],
    ['events', 'virConnectDomainEventRegisterAny', {}, true],
    ['control', 'virDomainDestroy', {}, true],
    ['config', 'virDomainDefineXML', {}, true],
    ['resource', 'virDomainSetMemory', {}, true],
    ['guest-access', 'virDomainQemuMonitorCommand', {}, true],
    ['guest-access', 'virDomainLxcEnterCGroup', {}, true],
    ['data-access', 'virStorageVolDownload', {}, true],
    ['stream', 'virStreamSend', {}, true],
    ['admin', 'virAdmServerListClients', {}, true],
    ['*', 'virAdmServerListClients', {}, true],
    ['control', 'virDomainDefineXML', {}, false],
    ['domain.*', 'virDomainLxcEnterCGroup', {}, false],
    ['*', 'virDomainFree', {}, false],
    ['vir*', 'virDomainFree', {}, false],
    ['virDomainFree', 'virDomainFree', {}, true],
  ];

  test.each(rows)('a deny rule on %s and %s %j: %s', async (action, name, args, expected) => {
    const request = { function: name, arguments: args ?? {} };
    expect(await matches({ effect: 'deny', actions: [action] }, request)).toBe(expected);
  });

  test('a set that allows reading does not allow reading secrets', async () => {
    const rules: RuleDocument[] = [{ id: 'readers', effect: 'allow', actions: ['read'] }];
    const ask = (flags: number) =>
      decide({ name: 'p', rules }, { function: 'virDomainGetXMLDesc', arguments: { flags } });
    expect(await ask(0)).toMatchObject({ effect: 'allow', basis: 'rule', rule: 'readers', permission: null });
    expect(await ask(1)).toMatchObject({
      effect: 'deny',
      basis: 'default',
      rule: null,
      permission: 'domain.read-secure',
    });
  });

  test('several allow rules cover a call together; the first is named', async () => {
    const write: RuleDocument = { id: 'write', effect: 'allow', actions: ['domain.write'] };
    const start: RuleDocument = { id: 'start', effect: 'allow', actions: ['domain.start'] };
    const create = { function: 'virDomainCreateXML' };
    expect(await decide({ name: 'p', rules: [start, write] }, create)).toMatchObject({
      effect: 'allow',
      rule: 'start',
    });
    expect(await decide({ name: 'p', rules: [start] }, create)).toMatchObject({
      effect: 'deny',
      rule: null,
      permission: 'domain.write',
    });
    expect(await decide({ name: 'p', rules: [write] }, create)).toMatchObject({ permission: 'domain.start' });
  });

  test('deny overrides allow wherever it stands; the first deny rule is named', async () => {
    const allow: RuleDocument = { id: 'allow', effect: 'allow', actions: ['*'] };
    const first: RuleDocument = { id: 'first', effect: 'deny', actions: ['domain.stop'] };
    const second: RuleDocument = { id: 'second', effect: 'deny', actions: ['virDomainDestroy'] };
    const destroy = { function: 'virDomainDestroy' };
    for (const rules of [
      [allow, first, second],
      [first, allow, second],
      [first, second, allow],
    ]) {
      expect(await decide({ name: 'p', rules }, destroy)).toMatchObject({ effect: 'deny', rule: 'first' });
    }
    expect(await decide({ name: 'p', rules: [second, first] }, destroy)).toMatchObject({ rule: 'second' });
  });

  test('a call that needs no permission is decided by its set, with no permission to name', async () => {
    const enter = { function: 'virDomainLxcEnterCGroup' };
    expect(await decide({ name: 'p' }, enter)).toMatchObject({
      effect: 'deny',
      basis: 'default',
      rule: null,
      permission: null,
    });
    expect(await decide({ name: 'p', defaults: { 'guest-access': 'allow' } }, enter)).toMatchObject({
      effect: 'allow',
    });
  });

  test('helpers are permitted unless a rule denies them by name', async () => {
    expect(await decide({ name: 'p', defaults: { '*': 'deny' } }, { function: 'virDomainFree' })).toMatchObject({
      effect: 'allow',
    });
  });

  test('nested calls: only those that change something, and only by deny rules', async () => {
    const rules: RuleDocument[] = [{ id: 'no', effect: 'deny', actions: ['virDomainDestroy', 'virDomainGetName'] }];
    const policy = { name: 'p', rules };
    const ask = (name: string) => decide(policy, { function: name, nested: true });
    expect(await ask('virDomainDestroy')).toMatchObject({ effect: 'deny', rule: 'no' });
    expect(await ask('virDomainSuspend')).toMatchObject({ effect: 'allow' });
    expect(await ask('virDomainGetName')).toMatchObject({ effect: 'allow' });
  });
});

describe('subjects', () => {
  test.each<[Conditions['subjects'], NativeRequest, readonly [boolean, boolean]]>([
    [{ users: ['alice'] }, call, yes],
    [{ users: ['bob'] }, call, no],
    [{ users: ['bob', 'alice'] }, call, yes],
    [{ uids: [1001] }, call, yes],
    [{ uids: [0] }, call, no],
    [{ users: ['bob'], uids: [1001] }, call, yes],
    [{ groups: ['operators'] }, call, yes],
    [{ groups: ['admins'] }, call, no],
    [{ groups: ['admins', 'operators'] }, call, yes],
    [{ users: ['alice'], groups: ['admins'] }, call, no],
    [{ users: ['alice'], groups: ['operators'] }, call, yes],
  ])('%j', async (subjects, request, expected) => {
    expect(await both({ subjects: subjects ?? {} }, request)).toEqual(expected);
  });
});

describe('connections', () => {
  const nothing: NativeRequest = { ...call, connection: {} };
  test.each<[Conditions['connections'], NativeRequest, readonly [boolean, boolean]]>([
    [{ uris: ['qemu+ssh://*'] }, call, yes],
    [{ uris: ['qemu:///system'] }, call, no],
    [{ uris: ['qemu:///system', '*/system'] }, call, yes],
    [{ uris: ['*'] }, nothing, unknown],
    [{ drivers: ['qemu'] }, call, yes],
    [{ drivers: ['test', 'xen'] }, call, no],
    [{ drivers: ['test'] }, nothing, unknown],
    [{ readOnly: false }, call, yes],
    [{ readOnly: true }, call, no],
    [{ readOnly: true }, { ...call, connection: { readOnly: true } }, yes],
    [{ readOnly: true }, nothing, unknown],
    [{ drivers: ['qemu'], readOnly: true }, call, no],
    [{ drivers: ['qemu'], uris: ['*hv2*'] }, call, yes],
  ])('%j', async (connections, request, expected) => {
    expect(await both({ connections: connections ?? {} }, request)).toEqual(expected);
  });
});

describe('resources', () => {
  const on = (resource: NativeRequest['resource'], name = 'virDomainSuspend'): NativeRequest => ({
    function: name,
    resource: resource ?? {},
  });
  const long = 'n'.repeat(70);
  test.each<[Conditions['resources'], NativeRequest, readonly [boolean, boolean]]>([
    [{ kinds: ['domain'] }, call, yes],
    [{ kinds: ['network', 'storage-pool'] }, call, no],
    [{ kinds: ['domain'] }, on({ kind: 'domain-snapshot' }, 'virDomainRevertToSnapshot'), yes],
    [{ kinds: ['domain'] }, on({ kind: 'domain-checkpoint' }, 'virDomainCheckpointDelete'), yes],
    [{ names: ['prod-1'] }, call, yes],
    [{ names: ['prod-'] }, call, no],
    [{ names: ['PROD-1'] }, call, no],
    [{ names: ['prod-*'] }, call, yes],
    [{ names: ['*-1'] }, call, yes],
    [{ names: ['p?od-?'] }, call, yes],
    [{ names: ['prod-??'] }, call, no],
    [{ names: ['x', 'prod-1', 'y'] }, call, yes],
    [{ names: ['a\\*b'] }, on({ name: 'a*b' }), yes],
    [{ names: ['a\\*b'] }, on({ name: 'axb' }), no],
    [{ names: ['*'] }, on({ name: '' }), yes],
    [{ names: ['*'] }, on({}), unknown],
    [{ names: ['x'] }, on({}), unknown],
    [{ names: ['x'] }, on({ kind: 'connect' }, 'virNodeSuspendForDuration'), no],
    [{ names: ['*'] }, on({ kind: 'stream' }, 'virStreamSend'), no],
    [{ names: [long] }, on({ name: long }), yes],
    [{ names: [long] }, on({ name: long.slice(1) }), no],
    [{ names: [`${long}*`] }, on({ name: `${long}x` }), yes],
    [{ names: ['?'] }, on({ name: Uint8Array.of(0xff) }), yes],
    [{ names: ['?'] }, on({ name: 'é' }), no],
    [{ names: ['é'] }, on({ name: 'é' }), yes],
    [{ uuids: [guest.uuid] }, call, yes],
    [{ uuids: [guest.uuid.toUpperCase()] }, call, yes],
    [{ uuids: ['00000000-0000-0000-0000-000000000000'] }, call, no],
    [{ uuids: [guest.uuid] }, on({ name: 'x' }), unknown],
    [{ uuids: [guest.uuid] }, on({ kind: 'storage-vol' }, 'virStorageVolDelete'), no],
    [{ uuids: [guest.uuid], names: ['prod-1'] }, on({ uuid: guest.uuid }), unknown],
    [{ uuids: [guest.uuid], names: ['other'] }, call, no],
    [{ kinds: ['network'], names: ['prod-*'] }, call, no],
  ])('%j', async (resources, request, expected) => {
    expect(await both({ resources: resources ?? {} }, request)).toEqual(expected);
  });
});

describe('arguments', () => {
  const memory = (value: number | bigint): NativeRequest => ({
    function: 'virDomainSetMemory',
    arguments: { memory: value },
  });
  const flags = (value: number): NativeRequest => ({
    function: 'virDomainSetMemoryFlags',
    arguments: { flags: value },
  });
  const named = (value: string | null): NativeRequest => ({
    function: 'virDomainLookupByName',
    arguments: { name: value },
  });
  const rename = (value: number): NativeRequest => ({ function: 'virDomainPinVcpu', arguments: { maplen: value } });
  const max = 2n ** 64n - 1n;
  test.each<[string, ComparisonDocument, NativeRequest, boolean]>([
    ['memory', { equal: 5 }, memory(5), true],
    ['memory', { equal: 5 }, memory(6), false],
    ['memory', { notEqual: 5 }, memory(6), true],
    ['memory', { notEqual: 5 }, memory(5), false],
    ['memory', { less: 5 }, memory(4), true],
    ['memory', { less: 5 }, memory(5), false],
    ['memory', { lessOrEqual: 5 }, memory(5), true],
    ['memory', { lessOrEqual: 5 }, memory(6), false],
    ['memory', { greater: 5 }, memory(6), true],
    ['memory', { greater: 5 }, memory(5), false],
    ['memory', { greaterOrEqual: 5 }, memory(5), true],
    ['memory', { greaterOrEqual: 5 }, memory(4), false],
    ['memory', { greater: 5, less: 9 }, memory(7), true],
    ['memory', { greater: 5, less: 9 }, memory(9), false],
    ['memory', { greater: -1 }, memory(max), true],
    ['memory', { less: 0 }, memory(max), false],
    ['maplen', { less: 0 }, rename(-1), true],
    ['maplen', { greater: 4 }, rename(-1), false],
    ['flags', { hasAny: ['VIR_DOMAIN_AFFECT_LIVE', 'VIR_DOMAIN_AFFECT_CONFIG'] }, flags(2), true],
    ['flags', { hasAny: ['VIR_DOMAIN_AFFECT_LIVE'] }, flags(2), false],
    ['flags', { hasAll: ['VIR_DOMAIN_AFFECT_LIVE', 'VIR_DOMAIN_AFFECT_CONFIG'] }, flags(3), true],
    ['flags', { hasAll: ['VIR_DOMAIN_AFFECT_LIVE', 'VIR_DOMAIN_AFFECT_CONFIG'] }, flags(1), false],
    ['flags', { hasNone: [1, 'VIR_DOMAIN_AFFECT_CONFIG'] }, flags(4), true],
    ['flags', { hasNone: [1, 'VIR_DOMAIN_AFFECT_CONFIG'] }, flags(3), false],
    ['flags', { equal: 'VIR_DOMAIN_AFFECT_CONFIG' }, flags(2), true],
    ['name', { glob: 'prod-*' }, named('prod-1'), true],
    ['name', { glob: 'prod-*' }, named('test'), false],
    ['name', { glob: '*' }, named(null), false],
    ['name', { equal: 'a*' }, named('a*'), true],
    ['name', { equal: 'a*' }, named('ab'), false],
    ['name', { equal: '' }, named(''), true],
    ['name', { equal: '' }, named(null), false],
    ['name', { notEqual: 'a' }, named('b'), true],
    ['name', { notEqual: 'a' }, named(null), true],
    ['name', { notEqual: 'a' }, named('a'), false],
    ['uuid', { glob: '6695eb01-*' }, { function: 'virDomainLookupByUUID', arguments: { uuid: guest.uuid } }, true],
    ['uuid', { equal: guest.uuid }, { function: 'virDomainLookupByUUID', arguments: { uuid: guest.uuid } }, true],
    ['uuid', { glob: '6795*' }, { function: 'virDomainLookupByUUID', arguments: { uuid: guest.uuid } }, false],
  ])('%s %j', async (name, comparison, request, expected) => {
    const conditions = { arguments: { [name]: comparison } };
    expect(await both(conditions, request)).toEqual([expected, expected]);
  });

  test('integers beyond 2^53 are exact', async () => {
    const text = (limit: bigint) =>
      `{"name":"p","defaults":{"*":"allow"},"rules":[{"id":"it","effect":"deny","actions":["*"],"arguments":{"memory":{"greater":${limit}}}}]}`;
    const { loadPolicy } = await import('../../src/policy/load.js');
    const { writeImage } = await import('../../src/policy/compile.js');
    const { policy } = loadPolicy(text(max - 1n), 'p.json');
    if (policy === undefined) throw new Error('does not load');
    const image = writeImage(policy, { users: new Map(), groups: new Map() });
    const effects = native()
      .decideAll(image, [memory(max), memory(max - 1n)])
      .map(({ effect }) => effect);
    expect(effects).toEqual(['deny', 'allow']);
  });

  test('functions without the argument are not judged by the rule', async () => {
    const rule = { effect: 'deny', actions: ['domain.stop'], arguments: { flags: { hasNone: [1] } } } as const;
    expect(await matches(rule, { function: 'virDomainDestroyFlags', arguments: { flags: 0 } })).toBe(true);
    expect(await matches(rule, { function: 'virDomainDestroy' })).toBe(false);
  });
});

describe('the rest of a policy', () => {
  test('defaults: everything is denied where nothing is said', async () => {
    expect(await decide({ name: 'p' }, { function: 'virConnectOpen' })).toMatchObject({
      effect: 'deny',
      permission: 'connect.getattr',
    });
  });

  test('settings are in the image, with their defaults', async () => {
    expect(native().loadPolicy(await imageOf({ name: 'p' }))).toMatchObject({
      ...{ ok: true, name: 'p', mode: 'enforcing', unknownApi: 'deny', onAuditFailure: 'deny', trail: '', rules: [] },
      ...{ auditNetlink: true, auditFileAlways: false },
    });
    const other = await imageOf({
      ...{ name: 'q', mode: 'permissive', unknownApi: 'allow', onAuditFailure: 'allow', trail: '/var/log/x' },
      audit: { netlink: false, file: 'always' },
      rules: [
        { id: 'a', effect: 'allow', actions: ['read'] },
        { id: 'b', effect: 'deny', actions: ['secret'] },
      ],
    });
    expect(native().loadPolicy(other)).toMatchObject({
      ...{ name: 'q', mode: 'permissive', unknownApi: 'allow', onAuditFailure: 'allow', trail: '/var/log/x' },
      ...{ auditNetlink: false, auditFileAlways: true, rules: ['a', 'b'] },
    });
  });

  test('audit levels: the most specific action decides, between equals the one that records more', async () => {
    const levels: Record<string, AuditLevel> = {
      '*': 'response',
      control: 'none',
      'domain.start': 'response',
      'domain.st*': 'request-response',
      'virDomainSus*': 'response',
      virDomainResume: 'request-response',
      'network.start': 'none',
      'network.write': 'request-response',
      virDomainFree: 'response',
    };
    const image = await imageOf({ name: 'p', audit: { levels } });
    const level = (name: string) => native().functionPolicy(image, name).auditLevel;
    expect(level('virDomainGetInfo')).toBe('response');
    expect(level('virDomainShutdown')).toBe('none');
    expect(level('virDomainCreate')).toBe('response');
    expect(level('virDomainDestroy')).toBe('request-response');
    expect(level('virDomainSuspend')).toBe('response');
    expect(level('virDomainResume')).toBe('request-response');
    expect(level('virNetworkCreateXML')).toBe('request-response');
    expect(level('virDomainFree')).toBe('response');
    expect(level('virNetworkFree')).toBe('none');
    expect(level('virGetLastError')).toBe('none');
  });

  test('audit levels by default: a pair for what changes something, nothing for the rest', async () => {
    const image = await imageOf({ name: 'p' });
    expect(native().functionPolicy(image, 'virDomainDestroy').auditLevel).toBe('request-response');
    expect(native().functionPolicy(image, 'virDomainGetXMLDesc').auditLevel).toBe('none');
  });

  test('mayRefuse is false where nothing can be refused', async () => {
    const rules: RuleDocument[] = [
      { id: 'all', effect: 'allow', actions: ['domain.start', 'domain.write'] },
      { id: 'some', effect: 'allow', actions: ['domain.suspend'], resources: { names: ['x'] } },
      { id: 'never', effect: 'deny', actions: ['virDomainDestroy'], subjects: { uids: [7] } },
    ];
    const image = await imageOf({ name: 'p', defaults: { '*': 'deny', read: 'allow' }, rules });
    const may = (name: string) => {
      const { mayRefuse, mayRefuseNested } = native().functionPolicy(image, name);
      return [mayRefuse, mayRefuseNested];
    };
    expect(may('virDomainCreateXML')).toEqual([false, false]);
    expect(may('virDomainSuspend')).toEqual([true, false]);
    expect(may('virDomainDestroy')).toEqual([true, true]);
    expect(may('virDomainGetInfo')).toEqual([false, false]);
    expect(may('virDomainGetXMLDesc')).toEqual([true, false]);
    expect(may('virDomainFree')).toEqual([false, false]);
  });

  test('users and groups of this machine are asked of getent', async () => {
    const { compilePolicy } = await import('../../src/policy/compile.js');
    const { loadPolicy } = await import('../../src/policy/load.js');
    const rules: RuleDocument[] = [
      { id: 'it', effect: 'deny', actions: ['*'], subjects: { users: ['root'], groups: ['root'] } },
    ];
    const { policy } = loadPolicy(JSON.stringify({ name: 'p', defaults: { '*': 'allow' }, rules }), 'p.json');
    if (policy === undefined) throw new Error('does not load');
    const { image } = await compilePolicy(policy);
    if (image === undefined) throw new Error('does not compile');
    expect(native().decide(image, { function: 'virConnectOpen', uid: 0, gids: [0] }).effect).toBe('deny');
    expect(native().decide(image, { function: 'virConnectOpen', uid: 1, gids: [0] }).effect).toBe('allow');
  });
});
