// What a call leaves in the trail: pairs for state-changing calls, the resource of every kind by name and uuid, and
// look-ups and connections that are judged by what they return.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { RuleDocument } from '../../src/policy/document.js';
import { callOf, callsProgram, opened, shimmedCalls, withDomain } from '../support/calls.js';
import { requireFixtures } from '../support/fixtures.js';
import { temporaryFolder } from '../support/paths.js';
import { canMountPrivately, withMounts } from '../support/private_mounts.js';
import type { TrailRecord } from '../support/records.js';
import { deny, imageFile, permissiveExcept, runShimmed } from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const test = requireFixtures();
const testAlias = requireThat(
  canMountPrivately && existsSync('/etc/libvirt/libvirt.conf'),
  'libvirt.conf cannot be replaced privately',
);

const accessDenied = 88;
const testUuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const networkUuid = 'dd8fe884-6c02-601e-7551-cca97df1c5df';
const poolUuid = 'dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566';
const secretUuid = '55806c7d-8e93-456f-829b-607d8c198367';

/** A policy that refuses these calls and records everything else. */
function recording(...rules: RuleDocument[]): Promise<string> {
  return imageFile(permissiveExcept(rules, { audit: { netlink: false, levels: { '*': 'request-response' } } }));
}

function recordsOf(records: readonly TrailRecord[], event: string): TrailRecord[] {
  return records.filter((record) => record.event === event);
}

/** Since the epoch, of a record's time. */
function nanoseconds(time: string): bigint {
  const [whole = '', fraction = ''] = time.replace('Z', '').split('.');
  return BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction);
}

describe('pairs', () => {
  test('a state-changing call leaves a methodcall and then a methodresponse with the same id', () => {
    const { records } = shimmedCalls([...withDomain, 'suspend', 'resume', 'resume']);
    for (const event of ['virDomainSuspend', 'virDomainResume']) {
      const [call, response] = recordsOf(records, event);
      expect(call).toMatchObject({ root: 'methodcall', effect: 'permitted', state: undefined });
      expect(response).toMatchObject({ root: 'methodresponse', effect: 'permitted', state: 1, error: undefined });
      expect(response?.rid).toBe(call?.rid);
    }
    const failed = recordsOf(records, 'virDomainResume').slice(2);
    expect(failed.map((record) => record.root)).toEqual(['methodcall', 'methodresponse']);
    expect(failed[1]).toMatchObject({ state: 0, effect: 'permitted', error: { code: 1, domain: 12 } });
    expect(new Set(records.map((record) => record.rid)).size).toBe(4);
    expect(records.map((record) => record.seq)).toEqual(records.map((_, index) => index + 1));
  });

  test('the times of a pair are right and as far apart as the call took', () => {
    const from = BigInt(Date.now()) * 1_000_000n;
    const { records } = shimmedCalls([...withDomain, 'suspend', 'resume', 'suspend']);
    const until = BigInt(Date.now() + 1) * 1_000_000n;
    const times = records.map(({ line }) => nanoseconds(/ time="([^"]+)"/.exec(line)?.[1] ?? ''));
    expect(times).toEqual(times.toSorted((a, b) => Number(a - b)));
    expect([times.every((time) => time >= from && time <= until), times.length]).toEqual([true, 7]);
    for (const [index, { line }] of records.entries()) {
      const duration = /<duration>(\d+)</.exec(line)?.[1];
      if (duration === undefined || index === 0) continue;
      expect(Number((times[index] ?? 0n) - (times[index - 1] ?? 0n))).toBeGreaterThanOrEqual(Number(duration));
    }
  });

  test('queries and look-ups leave nothing by default, refused ones do', async () => {
    const steps = [...withDomain, 'is_active', 'xml', 'lookup_id:1'];
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainIsActive'])]));
    const { records } = shimmedCalls(steps, { policy });
    expect(records.map((record) => [record.event, record.root, record.effect])).toEqual([
      ['virDomainIsActive', 'methodresponse', 'denied'],
    ]);
  });

  test('a refused state-changing call leaves only its response', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])]));
    const { records } = shimmedCalls([...withDomain, 'destroy'], { policy });
    expect(recordsOf(records, 'virDomainDestroy').map((record) => record.root)).toEqual(['methodresponse']);
  });

  test('permissive mode forwards what a rule refuses and says so in both records', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])], { mode: 'permissive' }));
    const run = shimmedCalls([...withDomain, 'destroy', 'is_active'], { policy });
    expect(callOf(run, 'destroy').value).toBe('0');
    expect(callOf(run, 'is_active').value).toBe('0');
    const records = recordsOf(run.records, 'virDomainDestroy');
    expect(records.map((record) => [record.root, record.effect, record.rule, record.state])).toEqual([
      ['methodcall', 'would-deny', 'no', undefined],
      ['methodresponse', 'would-deny', 'no', 1],
    ]);
  });

  test.each(['permissive', 'disabled'] as const)(
    'the environment may put its own policy into mode %s',
    async (mode) => {
      const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])]));
      const run = shimmedCalls([...withDomain, 'destroy'], { policy, mode });
      expect(callOf(run, 'destroy').value).toBe('0');
      const effects = recordsOf(run.records, 'virDomainDestroy').map((record) => record.effect);
      expect(effects).toEqual(mode === 'permissive' ? ['would-deny', 'would-deny'] : []);
    },
  );

  test.each(['enforcing', 'permissive'] as const)('without a policy, mode %s permits and records', (mode) => {
    const run = shimmedCalls([...withDomain, 'destroy'], { mode });
    expect(callOf(run, 'destroy').value).toBe('0');
    expect(run.records.map((record) => record.event)).toEqual([
      'virConnectOpen',
      'virDomainDestroy',
      'virDomainDestroy',
    ]);
  });

  test('without a policy, mode disabled does nothing at all', () => {
    expect(shimmedCalls([...withDomain, 'destroy'], { mode: 'disabled' }).records).toEqual([]);
  });

  test('a disabled policy judges and records nothing', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])], { mode: 'disabled' }));
    const run = shimmedCalls([...withDomain, 'destroy'], { policy });
    expect(callOf(run, 'destroy').value).toBe('0');
    expect(run.records).toEqual([]);
  });
});

describe('connections', () => {
  test.each([
    ['open', '0'],
    ['open_ro', '1'],
    ['open_auth', '0'],
    ['open_auth_ro', '1'],
  ])('%s', async (verb, readonly) => {
    const { records } = shimmedCalls([`${verb}:test:///default`, 'host_name', 'close'], {
      policy: await recording(),
    });
    const connection = { driver: 'test', uri: 'test:///default', readonly };
    for (const record of records) expect(record).toMatchObject({ connection, resource: { kind: 'connect' } });
    expect(new Set(records.map((record) => record.event)).size).toBe(3);
  });

  test('an object knows its connection', async () => {
    const { records } = shimmedCalls(['open_ro:test:///default', 'lookup:test', 'suspend'], {
      policy: await recording(),
    });
    for (const record of recordsOf(records, 'virDomainSuspend')) {
      expect(record.connection).toEqual({ driver: 'test', uri: 'test:///default', readonly: '1' });
    }
  });

  const noTest: RuleDocument = { ...deny('no-test', ['connect']), connections: { uris: ['test:///default'] } };

  test('a connection that others still hold is known until its last reference goes', async () => {
    const steps = ['open_ro:test:///default', 'ref', 'close', 'host_name', 'lookup:test', 'close', 'suspend'];
    const { calls, records } = shimmedCalls(steps, { policy: await recording() });
    expect(calls.map((call) => [call.step, call.value])).toContainEqual(['close', '1']);
    for (const record of records) expect(record.connection).toMatchObject({ uri: 'test:///default', readonly: '1' });
    expect(recordsOf(records, 'virDomainSuspend')).toHaveLength(2);
  });

  test('a new connection at the place of a closed one is not taken for it', async () => {
    const one = ['open_ro:test:///default', 'host_name', 'close'];
    const two = ['open:test:///default', 'host_name', 'close'];
    const { records } = shimmedCalls([...one, ...two, ...one, ...two], { policy: await recording() });
    const known = recordsOf(records, 'virConnectGetHostname').map((record) => record.connection?.readonly);
    expect(known).toEqual(['1', '1', '0', '0', '1', '1', '0', '0']);
  });

  test('without a name, the connection is judged by what libvirt made of it', async () => {
    const env = { LIBVIRT_DEFAULT_URI: 'test:///default' };
    const run = shimmedCalls(['open_auth'], { policy: await imageFile(permissiveExcept([noTest])), env });
    expect(callOf(run, 'open_auth')).toMatchObject({ value: 'null', code: accessDenied });
    expect(run.records.at(-1)).toMatchObject({
      effect: 'denied',
      rule: 'no-test',
      connection: { uri: 'test:///default' },
    });
  });

  testAlias('an alias is judged by what it stands for', async () => {
    const source = join(temporaryFolder('config'), 'libvirt.conf');
    writeFileSync(source, 'uri_aliases = [ "harmless=test:///default" ]\n');
    const program = withMounts([{ path: '/etc/libvirt/libvirt.conf', source }], callsProgram(), ['open:harmless']);
    expect(runShimmed(...program).stdout).toContain('open\tobject');
    const run = runShimmed(...program, { policy: await imageFile(permissiveExcept([noTest])) });
    expect(run.stdout).toContain("access denied: virConnectOpen: rule 'no-test'");
    expect(run.records.at(-1)).toMatchObject({ effect: 'denied', connection: { uri: 'test:///default' } });
  });

  test('a connection that the policy refuses leaves no trace in later facts', async () => {
    const policy = await imageFile(permissiveExcept([{ ...noTest, connections: { readOnly: false } }]));
    const run = shimmedCalls(['open:test:///default', 'open_ro:test:///default', 'num_domains'], { policy });
    expect(run.calls.map((call) => [call.step, call.value, call.code])).toEqual([
      ['open', 'null', accessDenied],
      ['open_ro', 'object', 0],
      ['num_domains', '1', 0],
    ]);
  });
});

type KindCase = readonly [kind: string, event: string, steps: readonly string[], resource: Record<string, string>];

const snapshotXml = 'snapshot_create:<domainsnapshot><name>snap</name></domainsnapshot>';
const checkpointXml = 'checkpoint_create:<domaincheckpoint><name>check</name></domaincheckpoint>';
const volumeXml = 'vol_create:<volume><name>vol</name><capacity>4096</capacity></volume>';
const newDomain = `<domain type='test'><name>new</name><uuid>${secretUuid}</uuid><memory>1024</memory><os><type>hvm</type></os></domain>`;

const kinds: readonly KindCase[] = [
  ['domain', 'virDomainSuspend', [...withDomain, 'suspend'], { kind: 'domain', name: 'test', uuid: testUuid }],
  [
    'domain by definition',
    'virDomainDefineXML',
    [...opened, `define:${newDomain}`],
    { kind: 'domain', name: 'new', uuid: secretUuid },
  ],
  ['domain by name', 'virDomainLookupByName', withDomain, { kind: 'domain', name: 'test', uuid: testUuid }],
  ['domain by id', 'virDomainLookupByID', [...opened, 'lookup_id:1'], { kind: 'domain', name: 'test', uuid: testUuid }],
  [
    'domain by uuid',
    'virDomainLookupByUUIDString',
    [...opened, `lookup_uuid:${testUuid}`],
    { kind: 'domain', name: 'test', uuid: testUuid },
  ],
  [
    'network',
    'virNetworkDestroy',
    [...opened, 'network:default', 'network_destroy'],
    { kind: 'network', name: 'default', uuid: networkUuid },
  ],
  [
    'storage pool',
    'virStoragePoolDestroy',
    [...opened, 'pool:default-pool', 'pool_destroy'],
    { kind: 'storage-pool', name: 'default-pool', uuid: poolUuid },
  ],
  [
    'storage pool of a new volume',
    'virStorageVolCreateXML',
    [...opened, 'pool:default-pool', volumeXml],
    { kind: 'storage-pool', name: 'default-pool', uuid: poolUuid },
  ],
  [
    'storage volume',
    'virStorageVolDelete',
    [...opened, 'pool:default-pool', volumeXml, 'vol:vol', 'vol_delete'],
    { kind: 'storage-vol', name: 'vol' },
  ],
  [
    'interface',
    'virInterfaceDestroy',
    [...opened, 'interface:eth1', 'interface_destroy'],
    { kind: 'interface', name: 'eth1' },
  ],
  [
    'node device',
    'virNodeDeviceDestroy',
    [...opened, 'device:computer', 'device_destroy'],
    { kind: 'node-device', name: 'computer' },
  ],
  [
    'domain of a new snapshot',
    'virDomainSnapshotCreateXML',
    [...withDomain, snapshotXml],
    { kind: 'domain', name: 'test', uuid: testUuid },
  ],
  [
    'snapshot',
    'virDomainSnapshotDelete',
    [...withDomain, snapshotXml, 'snapshot_delete'],
    { kind: 'domain-snapshot', name: 'snap', uuid: testUuid, parent: 'test' },
  ],
  [
    'snapshot that is reverted to',
    'virDomainRevertToSnapshot',
    [...withDomain, snapshotXml, 'revert'],
    { kind: 'domain-snapshot', name: 'snap', uuid: testUuid, parent: 'test' },
  ],
  [
    'checkpoint',
    'virDomainCheckpointDelete',
    [...withDomain, checkpointXml, 'checkpoint_delete'],
    { kind: 'domain-checkpoint', name: 'check', uuid: testUuid, parent: 'test' },
  ],
];

describe('resources', () => {
  test.each(kinds)('%s: %s', async (_kind, event, steps, resource) => {
    const { records } = shimmedCalls(steps, { policy: await recording() });
    expect(recordsOf(records, event).at(-1)?.resource).toEqual(resource);
    expect(recordsOf(records, event).at(-1)).toMatchObject({ root: 'methodresponse', state: 1 });
  });

  test('secret', async () => {
    const root = temporaryFolder('secrets');
    const xml = `<secret><uuid>${secretUuid}</uuid><usage type='ceph'><name>key</name></usage></secret>`;
    const steps = [
      'event_register',
      `open:secret:///embed?root=${root}`,
      `secret_define:${xml}`,
      'secret_value:hunter2',
    ];
    const run = shimmedCalls(steps, { policy: await recording() });
    const resource = { kind: 'secret', name: 'key', uuid: secretUuid };
    expect(recordsOf(run.records, 'virSecretDefineXML').at(-1)?.resource).toEqual(resource);
    for (const record of recordsOf(run.records, 'virSecretSetValue')) expect(record.resource).toEqual(resource);
    expect(run.records.map((record) => record.line).join('')).not.toContain('hunter2');
  });
});

/** A deny rule over everything on this resource refuses the step. */
const refusals: readonly (readonly [
  what: string,
  step: string,
  before: readonly string[],
  resources: RuleDocument['resources'],
])[] = [
  ['domain by name', 'suspend', withDomain, { names: ['te*'] }],
  ['domain by uuid', 'suspend', withDomain, { uuids: [testUuid] }],
  ['domain by kind', 'suspend', withDomain, { kinds: ['domain'] }],
  ['definition by name', `define:${newDomain}`, opened, { names: ['new'] }],
  ['definition by uuid', `define:${newDomain}`, opened, { uuids: [secretUuid] }],
  [
    'definition whose name is not found',
    'define:<domain><name><![CDATA[x]]></name></domain>',
    opened,
    { names: ['y'] },
  ],
  ['network', 'network_destroy', [...opened, 'network:default'], { names: ['default'], kinds: ['network'] }],
  ['pool', 'pool_destroy', [...opened, 'pool:default-pool'], { uuids: [poolUuid] }],
  ['volume', 'vol_delete', [...opened, 'pool:default-pool', volumeXml], { names: ['vol'], kinds: ['storage-vol'] }],
  ['interface', 'interface_destroy', [...opened, 'interface:eth1'], { names: ['eth?'] }],
  ['node device', 'device_destroy', [...opened, 'device:computer'], { names: ['computer'] }],
  ['snapshot, as its domain', 'revert', [...withDomain, snapshotXml], { names: ['test'], kinds: ['domain'] }],
  ['snapshot, as its domain by uuid', 'snapshot_delete', [...withDomain, snapshotXml], { uuids: [testUuid] }],
  ['checkpoint, as its domain', 'checkpoint_delete', [...withDomain, checkpointXml], { names: ['test'] }],
  ['no object', 'suspend_null', withDomain, { names: ['other'] }],
];

describe('judged by', () => {
  test.each(refusals)('%s', async (_what, step, before, resources) => {
    const [verb = ''] = step.split(':');
    const event = eventsOfSteps[verb];
    if (event === undefined) throw new Error(`which function is ${verb}?`);
    const rule: RuleDocument = { id: 'no', effect: 'deny', actions: [event], ...(resources ? { resources } : {}) };
    const run = shimmedCalls([...before, step], { policy: await imageFile(permissiveExcept([rule])) });
    expect(callOf(run, verb)).toMatchObject({ code: accessDenied, callbacks: 1 });
    expect(run.records.at(-1)).toMatchObject({ event, effect: 'denied', rule: 'no' });
  });

  test('a snapshot named like a guest is not that guest', async () => {
    const allowed = {
      id: 'mine',
      effect: 'allow' as const,
      actions: ['domain.snapshot'],
      resources: { names: ['mine'] },
    };
    const defaults = { '*': 'allow', control: 'deny' } as const;
    const making = { id: 'making', effect: 'allow' as const, actions: ['virDomainSnapshotCreateXML'] };
    const policy = await imageFile({ name: 'test', defaults, audit: { netlink: false }, rules: [allowed, making] });
    const create = 'snapshot_create:<domainsnapshot><name>mine</name></domainsnapshot>';
    const run = shimmedCalls([...withDomain, create, 'revert'], { policy });
    expect(callOf(run, 'snapshot_create').value).toBe('object');
    expect(callOf(run, 'revert')).toMatchObject({ value: '-1', code: accessDenied });
  });
});

const eventsOfSteps: Readonly<Record<string, string>> = {
  suspend: 'virDomainSuspend',
  suspend_null: 'virDomainSuspend',
  define: 'virDomainDefineXML',
  network_destroy: 'virNetworkDestroy',
  pool_destroy: 'virStoragePoolDestroy',
  vol_delete: 'virStorageVolDelete',
  interface_destroy: 'virInterfaceDestroy',
  device_destroy: 'virNodeDeviceDestroy',
  revert: 'virDomainRevertToSnapshot',
  snapshot_delete: 'virDomainSnapshotDelete',
  checkpoint_delete: 'virDomainCheckpointDelete',
};

describe('look-ups', () => {
  const hidden = deny('hidden', ['domain.getattr'], ['test']);
  const lookups = ['lookup:test', 'lookup_id:1', `lookup_uuid:${testUuid}`];

  test.each(lookups)('%s cannot find a guest that the policy hides by name', async (step) => {
    const run = shimmedCalls([...opened, step], { policy: await imageFile(permissiveExcept([hidden])) });
    expect(run.calls.at(-1)).toMatchObject({ value: 'null', code: accessDenied, callbacks: 1 });
    expect(run.calls.at(-1)?.message).toContain("on domain 'test': rule 'hidden'");
    expect(run.records.at(-1)).toMatchObject({
      effect: 'denied',
      state: 0,
      resource: { kind: 'domain', name: 'test' },
    });
  });

  test.each(lookups)('%s cannot find a guest that the policy hides by uuid', async (step) => {
    const rule = { ...deny('hidden', ['domain.getattr']), resources: { uuids: [testUuid] } };
    const run = shimmedCalls([...opened, step], { policy: await imageFile(permissiveExcept([rule])) });
    expect(run.calls.at(-1)).toMatchObject({ value: 'null', code: accessDenied });
  });

  test.each(lookups)('%s finds a guest that the rules do not mean', async (step) => {
    const rule = { ...deny('hidden', ['domain.getattr'], ['other']) };
    const run = shimmedCalls([...opened, step, 'name'], { policy: await imageFile(permissiveExcept([rule])) });
    expect(callOf(run, 'name').value).toBe('test');
    expect(run.records.filter((record) => record.effect !== 'permitted')).toEqual([]);
  });

  test.each(lookups)('%s finds only what an allow rule names', async (step) => {
    const allow = (name: string): RuleDocument => ({
      id: name,
      effect: 'allow',
      actions: ['read'],
      resources: { names: [name] },
    });
    const defaults = { '*': 'allow', read: 'deny' } as const;
    const document = { name: 'test', defaults, audit: { netlink: false } };
    const found = shimmedCalls([...opened, step], { policy: await imageFile({ ...document, rules: [allow('test')] }) });
    expect(found.calls.at(-1)).toMatchObject({ value: 'object', code: 0 });
    const lost = shimmedCalls([...opened, step], { policy: await imageFile({ ...document, rules: [allow('x')] }) });
    expect(lost.calls.at(-1)).toMatchObject({ value: 'null', code: accessDenied });
  });

  test('a volume is judged as itself, not as the pool that it is looked up in', async () => {
    const steps = [...opened, 'pool:default-pool', volumeXml, 'vol:vol'];
    const named = async (name: string) => imageFile(permissiveExcept([deny('no', ['storage-vol.getattr'], [name])]));
    const hidden = shimmedCalls(steps, { policy: await named('vol') });
    expect(hidden.calls.at(-1)).toMatchObject({ value: 'null', code: accessDenied });
    expect(hidden.records.at(-1)?.resource).toEqual({ kind: 'storage-vol', name: 'vol' });
    const found = shimmedCalls(steps, { policy: await named('default-pool') });
    expect(found.calls.at(-1)).toMatchObject({ value: 'object', code: 0 });
  });

  test('a failing look-up fails as libvirt says, though the rules ask for facts it cannot have', async () => {
    const run = shimmedCalls([...opened, 'lookup_id:77'], { policy: await imageFile(permissiveExcept([hidden])) });
    expect(run.calls.at(-1)).toMatchObject({ value: 'null', code: 42, callbacks: 1 });
  });

  test('what was hidden is released: the connection closes for good', async () => {
    const steps = [...opened, 'lookup_id:1', 'lookup_id:1', 'close'];
    const run = shimmedCalls(steps, { policy: await imageFile(permissiveExcept([hidden])) });
    expect(callOf(run, 'close').value).toBe('0');
  });
});
