// Conditions on who calls, where a connection leads, monitors, typed parameters, XML, times, rates and reasons, through
// the compiler and the native evaluator. Each row says whether an allow rule and a deny rule with it match.
import { describe, expect, test } from '@jest/globals';
import type { NativeRequest } from '../../src/native.js';
import type { RuleDocument } from '../../src/policy/document.js';
import { decide, matches } from './policy_tools.js';

type Conditions = Partial<Omit<RuleDocument, 'id' | 'effect' | 'actions'>>;

const call: NativeRequest = {
  function: 'virDomainSuspend',
  uid: 1001,
  gids: [2001],
  auid: 1000,
  executable: '/usr/bin/virsh',
  command: 'virsh',
  terminal: 'pts/0',
  label: 'system_u:system_r:virtd_t:s0',
  actor: 'alice@EXAMPLE',
  connection: { uri: 'qemu+ssh://node1.example/system', readOnly: false },
  resource: { kind: 'domain', name: 'prod-1' },
};
const nothingKnown: NativeRequest = { function: 'virDomainSuspend' };

async function both(conditions: Conditions, request: NativeRequest): Promise<readonly [allow: boolean, deny: boolean]> {
  const actions = ['*'];
  return [
    await matches({ effect: 'allow', actions, ...conditions }, request),
    await matches({ effect: 'deny', actions, ...conditions }, request),
  ];
}

const yes = [true, true] as const;
const no = [false, false] as const;
/** Unknown, or true of some of several values: never opens a door and always closes one. */
const unknown = [false, true] as const;

describe('who calls, and through which connection', () => {
  test.each<[Conditions, Conditions]>([
    [{ subjects: { executables: ['/usr/bin/*'] } }, { subjects: { executables: ['/bin/virsh', '*/qemu'] } }],
    [{ subjects: { commands: ['vir??'] } }, { subjects: { commands: ['python*'] } }],
    [{ subjects: { terminals: ['pts/*'] } }, { subjects: { terminals: ['tty?'] } }],
    [{ subjects: { labels: ['*:virtd_t:*'] } }, { subjects: { labels: ['unconfined'] } }],
    [{ subjects: { actors: ['*@EXAMPLE'] } }, { subjects: { actors: ['bob*'] } }],
    [{ connections: { transports: ['tls', 'ssh'] } }, { connections: { transports: ['unix', 'in-process'] } }],
    [{ connections: { hosts: ['NODE?.example'] } }, { connections: { hosts: ['*.other'] } }],
    [{ connections: { drivers: ['qemu'] } }, { connections: { drivers: ['xen'] } }],
  ])('%j holds, %j does not; negated it is the other way round, and unknown stays so', async (holds, fails) => {
    const negated = (conditions: Conditions): Conditions =>
      Object.fromEntries(Object.entries(conditions).map(([block, lists]) => [block, { not: lists }]));
    expect(await both(holds, call)).toEqual(yes);
    expect(await both(fails, call)).toEqual(no);
    expect(await both(negated(holds), call)).toEqual(no);
    expect(await both(negated(fails), call)).toEqual(yes);
    for (const each of [holds, fails, negated(holds), negated(fails)]) {
      expect(await both(each, nothingKnown)).toEqual(unknown);
    }
  });

  test.each<[Conditions, readonly [boolean, boolean]]>([
    [{ subjects: { auids: [7, 1000] } }, yes],
    [{ subjects: { auids: [7, 'unset'] } }, no],
    [{ subjects: { not: { auids: [7, 'unset'] } } }, yes],
    [{ subjects: { not: { uids: [1001] } } }, no],
    [{ subjects: { not: { uids: [0] } } }, yes],
    [{ subjects: { not: { users: ['alice'] } } }, no],
    [{ subjects: { not: { users: ['bob'], uids: [0] } } }, yes],
    [{ subjects: { not: { groups: ['operators'] } } }, no],
    [{ subjects: { groups: ['operators'], not: { users: ['alice'] } } }, no],
    [{ resources: { not: { names: ['prod-*'] } } }, no],
    [{ resources: { names: ['prod-*'], not: { names: ['prod-2'] } } }, yes],
    [{ resources: { not: { kinds: ['network'] } } }, yes],
    [{ resources: { not: { uuids: ['6695eb01-f6a4-8304-79aa-97f2502e193f'] } } }, unknown],
    [{ connections: { not: { readOnly: true } } }, yes],
    [{ connections: { not: { uris: ['qemu+ssh://*'] } } }, no],
    [{ connections: { not: { drivers: ['test'] } } }, yes],
  ])('%j', async (conditions, expected) => {
    expect(await both(conditions, call)).toEqual(expected);
  });

  test('nobody logged in, no terminal, no actor: known, and no glob that asks for one matches', async () => {
    const daemon = { ...call, auid: 0xffffffff, terminal: '', actor: '' };
    expect(await both({ subjects: { auids: ['unset'] } }, daemon)).toEqual(yes);
    expect(await both({ subjects: { terminals: ['?*'] } }, daemon)).toEqual(no);
    expect(await both({ subjects: { not: { terminals: ['?*'], actors: ['?*'] } } }, daemon)).toEqual(yes);
  });
});

describe('monitors and agents', () => {
  const qmp = (cmd: string, flags = 0): NativeRequest => ({
    function: 'virDomainQemuMonitorCommand',
    arguments: { cmd, flags },
  });
  const hmp = 1;

  test.each<[Conditions['monitor'], NativeRequest, readonly [boolean, boolean]]>([
    [{ commands: ['query-*'] }, qmp('{"execute":"query-status"}'), yes],
    [{ commands: ['query-*'] }, qmp('{"execute":"quit"}'), no],
    [{ not: { commands: ['query-*'] } }, qmp('{"execute":"quit"}'), yes],
    [{ not: { commands: ['query-*'] } }, qmp('{"execute":"query-status"}'), no],
    [{ commands: ['quit'] }, qmp('{"execute":"query-status","execute":"quit"}'), unknown],
    [{ commands: ['info'] }, qmp('info status', hmp), unknown],
    [{ commands: ['info', 'human-monitor-command'] }, qmp('info status', hmp), yes],
    [{ commands: ['quit'] }, qmp('q', hmp), unknown],
    [{ not: { commands: ['info', 'human-monitor-command'] } }, qmp('info status', hmp), no],
  ])('%j', async (monitor, request, expected) => {
    expect(await both({ monitor: monitor ?? {} }, request)).toEqual(expected);
  });
});

describe('typed parameters', () => {
  const tune = (params: NonNullable<NativeRequest['arguments']>[string]): NativeRequest => ({
    function: 'virDomainSetSchedulerParametersFlags',
    arguments: { params },
  });

  test.each<[Conditions['arguments'], NativeRequest, readonly [boolean, boolean]]>([
    [{ 'params.cpu_shares': { lessOrEqual: 1024 } }, tune({ cpu_shares: 1024 }), yes],
    [{ 'params.cpu_shares': { lessOrEqual: 1024 } }, tune({ cpu_shares: 1025 }), no],
    [{ 'params.cpu_shares': { lessOrEqual: 1024 } }, tune({ vcpu_quota: 1 }), no],
    [{ 'params.cpu_shares': { lessOrEqual: 1024 } }, tune([]), no],
    [
      { 'params.cpu_shares': { lessOrEqual: 1024 } },
      tune([
        ['cpu_shares', 1],
        ['cpu_shares', 9999],
      ]),
      unknown,
    ],
    [{ 'params.*_quota': { less: 0 } }, tune({ vcpu_quota: -1, emulator_quota: -1 }), yes],
    [{ 'params.*_quota': { less: 0 } }, tune({ vcpu_quota: -1, emulator_quota: 5 }), unknown],
    [{ 'params.cpu_shares': { equal: 5 } }, tune({ cpu_shares: 'x' }), no],
    [{ 'params.cpu_shares': { greater: 0 } }, tune({ cpu_shares: 2n ** 64n - 1n }), yes],
    [{ 'params.cpu_shares': { less: 10 }, flags: { hasNone: [1] } }, tune({ cpu_shares: 5 }), yes],
  ])('%j of %j', async (args, request, expected) => {
    expect(await both({ arguments: args ?? {} }, request)).toEqual(expected);
  });
});

describe('arguments that are excluded', () => {
  const open = (name: string | null): NativeRequest => ({ function: 'virConnectOpen', arguments: { name } });
  const tune = (params: NonNullable<NativeRequest['arguments']>[string]): NativeRequest => ({
    function: 'virDomainSetBlkioParameters',
    arguments: { params },
  });
  const inside = { not: { 'params.device_weight': { glob: '/dev/vd*' } } };

  test.each<[Conditions['arguments'], NativeRequest, readonly [boolean, boolean]]>([
    [{ not: { name: { glob: 'qemu:*' } } }, open('test:///default'), yes],
    [{ not: { name: { glob: 'qemu:*' } } }, open('qemu:///system'), no],
    // What is not there matches no glob.
    [{ not: { name: { glob: 'qemu:*' } } }, open(null), yes],
    [inside, tune({ device_weight: '/dev/sda,500' }), yes],
    [inside, tune({ device_weight: '/dev/vda,500' }), no],
    [inside, tune({ weight: 5 }), no],
    [
      inside,
      tune([
        ['device_weight', '/dev/vda,500'],
        ['device_weight', '/dev/sda,500'],
      ]),
      unknown,
    ],
    [{ 'params.weight': { less: 9 }, ...inside }, tune({ weight: 5, device_weight: '/dev/sda,1' }), yes],
    [{ 'params.weight': { less: 9 }, ...inside }, tune({ weight: 5 }), no],
  ])('%j of %j', async (args, request, expected) => {
    expect(await both({ arguments: args ?? {} }, request)).toEqual(expected);
  });
});

describe('XML', () => {
  const disk = (path: string) => `<disk type='file'><source file='${path}'/><target dev='v${path.length}'/></disk>`;
  const define = (devices: string, rest = ''): NativeRequest => ({
    function: 'virDomainDefineXML',
    arguments: {
      xml: `<domain type='test'><name>a</name><memory>1024</memory>${rest}<devices>${devices}</devices></domain>`,
    },
  });
  const inside = disk('/images/a');
  const outside = disk('/etc/shadow');

  test.each<[Conditions['xml'], NativeRequest, readonly [boolean, boolean]]>([
    [{ 'disk-source': { glob: '/images/*' } }, define(inside), yes],
    [{ 'disk-source': { glob: '/images/*' } }, define(outside), no],
    [{ 'disk-source': { glob: '/images/*' } }, define(inside + outside), unknown],
    [{ 'disk-source': { glob: '/images/*' } }, define(''), no],
    [{ not: { 'disk-source': { glob: '/images/*' } } }, define(inside), no],
    [{ not: { 'disk-source': { glob: '/images/*' } } }, define(inside + outside), unknown],
    [{ not: { 'disk-source': { glob: '/images/*' } } }, define(outside), yes],
    [{ memory: { greater: 1000, less: 2000 } }, define(''), yes],
    [{ memory: { greater: 1024 } }, define(''), no],
    [{ hostdev: { equal: 0 } }, define(''), yes],
    [{ hostdev: { greater: 0 } }, define("<hostdev mode='subsystem' type='usb'/>"), yes],
    [{ 'graphics-password': { equal: false } }, define("<graphics type='vnc'/>"), yes],
    [{ 'graphics-password': { equal: false } }, define("<graphics type='vnc' passwd='x'/>"), no],
    [{ xpath: ["/domain/name = 'a'", 'count(//disk) = 1'] }, define(inside), yes],
    [{ xpath: ["/domain/name = 'a'", 'count(//disk) = 1'] }, define(''), no],
    [{ not: { xpath: ['//disk'] } }, define(''), yes],
    [{ xpath: ['//disk'] }, { function: 'virDomainDefineXML', arguments: { xml: '<domain>' } }, unknown],
    [{ memory: { less: 5 } }, { function: 'virDomainDefineXML', arguments: { xml: 'no XML' } }, unknown],
    [{ xpath: ['//disk'] }, { function: 'virDomainDefineXML', arguments: { xml: null } }, no],
    [{ not: { xpath: ['//disk'] } }, { function: 'virDomainDefineXML', arguments: { xml: null } }, no],
  ])('%j', async (xml, request, expected) => {
    expect(await both({ xml: xml ?? {} }, request)).toEqual(expected);
  });

  test('functions that take no XML are not concerned', async () => {
    const rule = { actions: ['config'], xml: { xpath: ['true()'] } };
    const autostart: NativeRequest = { function: 'virDomainSetAutostart', arguments: { autostart: 1 } };
    expect(await matches({ effect: 'deny', ...rule }, autostart)).toBe(false);
    expect(await matches({ effect: 'deny', ...rule }, define(''))).toBe(true);
  });
});

describe('times, rates and reasons', () => {
  // A Monday in winter and one in summer, 23:30 in Berlin.
  const winter = Date.UTC(2026, 0, 5, 22, 30) / 1000;
  const summer = Date.UTC(2026, 6, 6, 21, 30) / 1000;
  const night = { days: ['mon'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' } as const;
  const at = (time: number | undefined): NativeRequest => ({ ...call, ...(time === undefined ? {} : { time }) });

  test.each<[Conditions['times'], number | undefined, readonly [boolean, boolean]]>([
    [[night], winter, yes],
    [[night], summer, yes],
    [[night], winter + 6 * 3600, yes],
    [[night], winter + 7 * 3600, no],
    [[night], winter - 24 * 3600, no],
    [[{ ...night, days: ['tue'] }], winter, no],
    [[{ ...night, days: ['tue'] }, { zone: 'UTC' }], winter, yes],
    [[night], undefined, unknown],
  ])('%j at %s', async (times, time, expected) => {
    expect(await both({ times: times ?? [] }, at(time))).toEqual(expected);
  });

  const rate = { calls: 3, seconds: 60, per: 'host' } as const;
  test.each<[boolean | undefined, readonly [boolean, boolean]]>([
    [false, [true, false]],
    [true, [false, true]],
    [undefined, unknown],
  ])('a limit that is reached: %s', async (rateReached, expected) => {
    expect(await both({ rate }, { ...call, ...(rateReached === undefined ? {} : { rateReached }) })).toEqual(expected);
  });

  test('a reason that is missing is told from a rule that is', async () => {
    const rules: RuleDocument[] = [{ id: 'why', effect: 'allow', actions: ['domain.suspend'], require: ['reason'] }];
    const ask = (request: NativeRequest) => decide({ name: 'p', rules }, request);
    expect(await ask({ ...call, reason: 'ticket 7' })).toMatchObject({ effect: 'allow', rule: 'why' });
    expect(await ask({ ...call, reason: '' })).toMatchObject({ effect: 'deny', rule: null, reasonMissing: true });
    expect(await ask({ ...call, function: 'virDomainReset', reason: '' })).toMatchObject({
      effect: 'deny',
      reasonMissing: false,
    });
  });
});

describe('modes of a rule', () => {
  const suspend: NativeRequest = call;
  const rule: RuleDocument = { id: 'it', effect: 'deny', actions: ['domain.suspend'] };

  test('permissive: named, and the call goes by the others', async () => {
    const recorded: RuleDocument = { ...rule, mode: 'permissive' };
    const policy = { name: 'p', defaults: { '*': 'allow' }, rules: [recorded] } as const;
    expect(await decide(policy, suspend)).toMatchObject({ effect: 'allow', rule: null, wouldDeny: 'it' });
    const refused = { ...policy, rules: [recorded, { ...rule, id: 'no' }] };
    expect(await decide(refused, suspend)).toMatchObject({ effect: 'deny', rule: 'no', wouldDeny: 'it' });
    const before = { ...policy, rules: [{ ...rule, id: 'no' }, recorded] };
    expect(await decide(before, suspend)).toMatchObject({ effect: 'deny', rule: 'no', wouldDeny: null });
  });

  test('disabled: as if it were not there', async () => {
    const policy = { name: 'p', defaults: { '*': 'allow' }, rules: [{ ...rule, mode: 'disabled' }] } as const;
    expect(await decide(policy, suspend)).toMatchObject({ effect: 'allow', rule: null, wouldDeny: null });
  });
});
