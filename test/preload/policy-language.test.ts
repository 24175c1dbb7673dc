// The rows of the policy language through the real shim, on libvirt's test driver: for each a command of virsh that a
// rule refuses, and one like it that it lets through. What the facts are in every spelling is in policy-facts.test.ts,
// what is read from XML in policy-xml.test.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { imageOfText } from '../../src/policy/image_file.js';
import { type Daemon, guestXml, makeImage, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { temporaryFolder } from '../support/paths.js';
import { imageFile, permissiveExcept, runShimmed, type ShimOptions } from '../support/shim.js';
import { findTool, requireThat } from '../support/tools.js';

const test = requireThat(findTool('virsh') !== undefined, 'virsh not installed');

const folder = temporaryFolder('language');

/** A file that virsh reads. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o644 });
  return path;
}

const domain = (name: string, devices = '', memory = 1024) =>
  `<domain type='test'><name>${name}</name><memory unit='KiB'>${memory}</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>${devices}</devices></domain>`;
const disk = (path: string, target = 'vdb') =>
  `<disk type='file' device='disk'><source file='${path}'/><target dev='${target}' bus='virtio'/></disk>`;
const pool = (name: string, path: string) =>
  `<pool type='dir'><name>${name}</name><target><path>${path}</path></target></pool>`;

const define = (name: string, xml: string) => `define ${file(`${name}.xml`, xml)}`;
const small = define('small', domain('small'));
const big = define('big', domain('big', '', 8192));
const inside = define('inside', domain('inside', disk('/images/a.img')));
const outside = define('outside', domain('outside', disk('/etc/shadow')));
const attach = (name: string, path: string) => `attach-device test ${file(`${name}.xml`, disk(path, 'vdc'))}`;
const definePool = (name: string, path: string) => `pool-define ${file(`pool-${name}.xml`, pool(name, path))}`;
const secret = (name: string) =>
  `secret-define ${file(`secret-${name}.xml`, `<secret><usage type='volume'><volume>${name}</volume></usage></secret>`)}`;
const volume = (name: string) =>
  `vol-create default-pool ${file(`vol-${name}.xml`, `<volume><name>${name}</name><capacity>1024</capacity></volume>`)}`;

interface Run {
  /** The rules that refused something, '' for defaults, each once. */
  readonly refusing: readonly string[];
  readonly wouldRefuse: readonly string[];
  readonly stderr: string;
}

function virsh(policy: string, commands: readonly string[], args: readonly string[] = [], more: ShimOptions = {}): Run {
  const connection = args.includes('-c') ? [] : ['-c', 'test:///default'];
  const run = runShimmed(findTool('virsh') ?? '', [...connection, ...args, commands.join('; ')], { policy, ...more });
  const rules = (wanted: 'denied' | 'would-deny') =>
    run.records.filter(({ effect }) => effect === wanted).map(({ rule }) => rule ?? '');
  return {
    refusing: [...new Set(rules('denied'))],
    wouldRefuse: [...new Set(rules('would-deny'))],
    stderr: run.stderr,
  };
}

interface Row {
  readonly what: string;
  readonly rule: Partial<RuleDocument>;
  readonly refused: string;
  readonly permitted: string;
  readonly args?: readonly string[];
  /** The permitted command ends in an error of the driver, which does not know such things. */
  readonly unsupported?: boolean;
}

const rows: readonly Row[] = [
  { what: 'a permission', rule: { actions: ['domain.suspend'] }, refused: 'suspend test', permitted: 'reboot test' },
  {
    what: 'a permission that some flags need',
    rule: { actions: ['domain.save'] },
    refused: 'setmem test 1048576 --config',
    permitted: 'setmem test 1048576 --live',
  },
  {
    what: 'secrets in XML',
    rule: { actions: ['domain.read-secure'] },
    refused: 'dumpxml test --security-info',
    permitted: 'dumpxml test',
  },
  { what: 'a function', rule: { actions: ['virDomainDestroy'] }, refused: 'destroy test', permitted: 'shutdown test' },
  {
    what: 'a glob over functions',
    rule: { actions: ['virStoragePool*'] },
    refused: 'pool-info default-pool',
    permitted: 'net-info default',
  },
  {
    what: 'a glob over permissions',
    rule: { actions: ['storage-pool.*'] },
    refused: 'pool-refresh default-pool',
    permitted: 'net-info default',
  },
  { what: 'control', rule: { actions: ['control'] }, refused: 'destroy test', permitted: small },
  { what: 'config', rule: { actions: ['config'] }, refused: small, permitted: 'suspend test' },
  { what: 'resource', rule: { actions: ['resource'] }, refused: 'setmem test 1048576', permitted: small },
  {
    what: 'exceptions to actions on domains',
    rule: { actions: ['control'], resources: { not: { names: ['test'] } } },
    refused: 'net-destroy default',
    permitted: 'destroy test',
  },
  {
    what: 'a domain by name, where it is defined',
    rule: { actions: ['config'], resources: { kinds: ['domain'], names: ['sm*'] } },
    refused: small,
    permitted: big,
  },
  {
    what: 'a domain by uuid',
    rule: { actions: ['control'], resources: { uuids: ['6695eb01-f6a4-8304-79aa-97f2502e193f'] } },
    refused: 'destroy test',
    permitted: 'net-destroy default',
  },
  {
    what: 'a kind',
    rule: { actions: ['control'], resources: { kinds: ['network'] } },
    refused: 'net-destroy default',
    permitted: 'pool-destroy default-pool',
  },
  {
    what: 'a network by name',
    rule: { actions: ['control'], resources: { kinds: ['network'], names: ['def*'] } },
    refused: 'net-destroy default',
    permitted: 'destroy test',
  },
  {
    what: 'an interface',
    rule: { actions: ['control'], resources: { kinds: ['interface'], names: ['eth1'] } },
    refused: 'iface-destroy eth1',
    permitted: 'net-destroy default',
  },
  {
    what: 'a pool by name, where it is defined',
    rule: { actions: ['config'], resources: { kinds: ['storage-pool'], names: ['a'] } },
    refused: definePool('a', '/a'),
    permitted: definePool('b', '/a'),
  },
  {
    what: 'a volume by name, which is made in its pool',
    rule: {
      ...{ actions: ['storage-vol.create'], resources: { kinds: ['storage-pool'], names: ['default-*'] } },
      xml: { xpath: ["/volume/name = 'a'"] },
    },
    refused: volume('a'),
    permitted: volume('b'),
  },
  {
    what: 'secrets',
    rule: { actions: ['config'], resources: { kinds: ['secret'] } },
    refused: secret('a'),
    permitted: small,
  },
  {
    what: 'a snapshot, as its domain',
    rule: { actions: ['domain.snapshot'], resources: { names: ['test'] } },
    refused: 'snapshot-create-as test one',
    permitted: 'suspend test',
  },
  {
    what: 'a node device',
    rule: { actions: ['node-device.*'], resources: { names: ['comp*'] } },
    refused: 'nodedev-dumpxml computer',
    permitted: 'dominfo test',
  },
  {
    what: 'the program',
    rule: { actions: ['domain.stop'], subjects: { executables: ['*/virsh'] } },
    refused: 'destroy test',
    permitted: 'suspend test',
  },
  {
    what: 'everybody but others',
    rule: { actions: ['domain.stop'], subjects: { not: { uids: [4242], commands: ['python*'] } } },
    refused: 'destroy test',
    permitted: 'suspend test',
  },
  {
    what: 'the driver and its transport',
    rule: { actions: ['domain.stop'], connections: { drivers: ['test'], transports: ['in-process'] } },
    refused: 'destroy test',
    permitted: 'suspend test',
  },
  {
    what: 'the URI',
    rule: { actions: ['domain.stop'], connections: { uris: ['test:///def*'] } },
    refused: 'destroy test',
    permitted: 'suspend test',
  },
  {
    what: 'a number',
    rule: { actions: ['domain.write'], arguments: { memory: { greater: 1048576 } } },
    refused: 'setmem test 1048577',
    permitted: 'setmem test 1048576',
  },
  {
    what: 'a text',
    rule: { actions: ['virDomainLookupByName'], arguments: { name: { glob: 'no-*' } } },
    refused: 'dominfo no-such-guest',
    permitted: 'dominfo test',
  },
  {
    what: 'a text that is excluded',
    rule: { actions: ['virDomainLookupByName'], arguments: { not: { name: { glob: 'te*' } } } },
    refused: 'dominfo no-such-guest',
    permitted: 'dominfo test',
  },
  {
    what: 'a flag by its name',
    rule: {
      actions: ['virDomainDestroyFlags', 'virDomainDestroy'],
      arguments: { flags: { hasAny: ['VIR_DOMAIN_DESTROY_GRACEFUL'] } },
    },
    refused: 'destroy test --graceful',
    permitted: 'destroy test',
  },
  {
    what: 'flags that are left out',
    rule: {
      actions: ['virDomainSetMemoryFlags'],
      arguments: { flags: { hasNone: ['VIR_DOMAIN_AFFECT_CONFIG', 'VIR_DOMAIN_AFFECT_LIVE'] } },
    },
    refused: 'setmem test 1048576 --current',
    permitted: 'setmem test 1048576 --live',
  },
  {
    what: 'a typed parameter',
    rule: { actions: ['domain.write'], arguments: { 'params.weight': { greater: 50 } } },
    refused: 'schedinfo test --set weight=51',
    permitted: 'schedinfo test --set weight=50',
  },
  {
    what: 'any of several typed parameters',
    rule: { actions: ['domain.write'], arguments: { 'params.*_sec': { greater: 1000 } } },
    refused: 'blkdeviotune test vda --total-bytes-sec 1001',
    permitted: 'blkdeviotune test vda --total-bytes-sec 1000',
    unsupported: true,
  },
  {
    what: 'the path of a disk, where it is defined',
    rule: { actions: ['config'], xml: { not: { 'disk-source': { glob: '/images/*' } } } },
    refused: outside,
    permitted: inside,
  },
  {
    what: 'the path of a disk, where it is attached',
    rule: { actions: ['resource', 'config'], xml: { not: { 'disk-source': { glob: '/images/*' } } } },
    refused: attach('shadow', '/etc/shadow'),
    permitted: attach('image', '/images/b.img'),
    unsupported: true,
  },
  {
    what: 'the memory of a guest, where it is started',
    rule: { actions: ['domain.start'], xml: { memory: { greater: 4096 } } },
    refused: big.replace('define', 'create'),
    permitted: small.replace('define', 'create'),
  },
  {
    what: 'the path of a pool',
    rule: { actions: ['storage-pool.write'], xml: { 'pool-path': { glob: '/etc*' } } },
    refused: definePool('etc', '/etc/x'),
    permitted: definePool('srv', '/srv/x'),
  },
  {
    what: 'XPath',
    rule: { actions: ['domain.write'], xml: { xpath: ["//disk/source[@file = '/etc/shadow']"] } },
    refused: outside,
    permitted: inside,
  },
  {
    what: 'a command to a monitor',
    rule: { actions: ['virDomainQemuMonitorCommand*'], monitor: { not: { commands: ['query-*'] } } },
    refused: `qemu-monitor-command test '{"execute":"quit"}'`,
    permitted: `qemu-monitor-command test '{"execute":"query-status"}'`,
    unsupported: true,
  },
  {
    what: 'at all times',
    rule: { actions: ['domain.stop'], times: [{ zone: 'Asia/Kolkata' }] },
    refused: 'destroy test',
    permitted: 'suspend test',
  },
];

describe('a deny rule by', () => {
  test.each(rows.map((row) => [row.what, row] as const))('%s', async (_, row) => {
    const rule: RuleDocument = { id: 'it', effect: 'deny', actions: [], ...row.rule };
    const policy = await imageFile(permissiveExcept([rule]));
    const refused = virsh(policy, [row.refused]);
    expect(refused).toMatchObject({ refusing: ['it'] });
    // virsh keeps to itself why a look-up by name failed.
    expect(refused.stderr).toMatch(/rule 'it'|failed to get domain/);
    const permitted = virsh(policy, [row.permitted]);
    expect(permitted).toMatchObject({ refusing: [] });
    if (row.unsupported !== true) expect(permitted.stderr).toBe('');
  });

  test('read-only connections', async () => {
    const rule: RuleDocument = {
      ...{ id: 'it', effect: 'deny', actions: ['domain.read'] },
      connections: { readOnly: true },
    };
    const policy = await imageFile(permissiveExcept([rule]));
    expect(virsh(policy, ['dominfo test'], ['-r'])).toMatchObject({ refusing: ['it'] });
    expect(virsh(policy, ['dominfo test'])).toMatchObject({ refusing: [], stderr: '' });
  });

  test('some other time', async () => {
    const hour = new Date().getUTCHours();
    const clock = (hours: number) => `${String((hour + hours) % 24).padStart(2, '0')}:00`;
    const rule = { id: 'it', effect: 'deny', actions: ['domain.stop'] } as const;
    const at = (from: number, to: number) =>
      imageFile(permissiveExcept([{ ...rule, times: [{ from: clock(from), to: clock(to), zone: 'UTC' }] }]));
    expect(virsh(await at(22, 2), ['destroy test'])).toMatchObject({ refusing: ['it'] });
    expect(virsh(await at(10, 14), ['destroy test'])).toMatchObject({ refusing: [], stderr: '' });
  });
});

describe('allow rules', () => {
  const rules: readonly RuleDocument[] = [
    { id: 'small-memory', effect: 'allow', actions: ['domain.write'], arguments: { memory: { lessOrEqual: 1048576 } } },
    { id: 'images', effect: 'allow', actions: ['config'], xml: { 'disk-source': { glob: '/images/*' } } },
    { id: 'stop', effect: 'allow', actions: ['domain.stop'], require: ['reason'] },
  ];
  const policy: PolicyDocument = {
    name: 'test',
    audit: { netlink: false },
    defaults: { '*': 'deny', read: 'allow', connect: 'allow', events: 'allow' },
    rules,
  };

  test.each<[string, boolean]>([
    ['setmem test 1048576', true],
    ['setmem test 1048577', false],
    // domain.save is needed, too.
    ['setmem test 1048576 --config', false],
    [inside, true],
    [outside, false],
    [define('both', domain('both', disk('/images/a') + disk('/etc/shadow', 'vdc'))), false],
    [small, false],
    ['suspend test', false],
    ['dominfo test', true],
    ['net-destroy default', false],
  ])('%s: %s', async (command, permitted) => {
    expect(virsh(await imageFile(policy), [command]).refusing).toEqual(permitted ? [] : ['']);
  });

  test('that ask for a reason', async () => {
    const image = await imageFile(policy);
    expect(virsh(image, ['destroy test'])).toMatchObject({ refusing: [''], stderr: expect.stringContaining('reason') });
    const given = virsh(image, ['destroy test'], [], { env: { VIRTSHIM_REASON: 'ticket 7' } });
    expect(given).toMatchObject({ refusing: [], stderr: '' });
  });
});

describe('modes and files', () => {
  const stop: RuleDocument = { id: 'it', effect: 'deny', actions: ['domain.stop'] };

  test('a permissive rule is recorded, a disabled one is not there', async () => {
    const recorded = await imageFile(permissiveExcept([{ ...stop, mode: 'permissive' }]));
    expect(virsh(recorded, ['destroy test'])).toEqual({ refusing: [], wouldRefuse: ['it'], stderr: '' });
    const disabled = await imageFile(permissiveExcept([{ ...stop, mode: 'disabled' }]));
    expect(virsh(disabled, ['destroy test'])).toEqual({ refusing: [], wouldRefuse: [], stderr: '' });
  });

  test('a permissive policy, a disabled one', async () => {
    const recorded = await imageFile(permissiveExcept([stop], { mode: 'permissive' }));
    expect(virsh(recorded, ['destroy test'])).toEqual({ refusing: [], wouldRefuse: ['it'], stderr: '' });
    const disabled = await imageFile(permissiveExcept([stop], { mode: 'disabled' }));
    expect(virsh(disabled, ['destroy test'])).toEqual({ refusing: [], wouldRefuse: [], stderr: '' });
  });

  test('rules of included files and folders', () => {
    const parts = join(temporaryFolder('parts'), 'rules');
    mkdirSync(parts);
    for (const action of ['domain.stop', 'domain.suspend']) {
      const rules = [{ id: `no-${action}`, effect: 'deny', actions: [action] }];
      writeFileSync(join(parts, `${action}.json`), JSON.stringify({ rules }), { mode: 0o644 });
    }
    const main = join(parts, '..', 'policy.json');
    const image = join(parts, '..', 'policy.img');
    const text = JSON.stringify({
      name: 'p',
      defaults: { '*': 'allow' },
      audit: { netlink: false },
      include: ['rules'],
    });
    writeFileSync(image, imageOfText(text, main), { mode: 0o600 });
    expect(virsh(image, ['destroy test']).refusing).toEqual(['no-domain.stop']);
    expect(virsh(image, ['suspend test']).refusing).toEqual(['no-domain.suspend']);
    expect(virsh(image, ['reboot test']).refusing).toEqual([]);
  });
});

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');

// What the test driver knows nothing of, and guests that run.
describe('with a libvirtd of its own, a deny rule by', () => {
  let daemon: Daemon;
  let image: string;
  const uuid = '5f1c1c1e-0000-4000-8000-00000000bbbb';

  beforeAll(async () => {
    if (whyNot !== undefined) return;
    daemon = await startDaemon({ cache: join(folder, 'cache') });
    image = makeImage(join(folder, 'disk.qcow2'), '1M');
    const running = file('running.xml', guestXml('running', uuid, image));
    const none = await imageFile(permissiveExcept([]));
    expect(virsh(none, [`create ${running}`], ['-c', daemon.uri])).toMatchObject({ stderr: '' });
  }, 60_000);

  afterAll(async () => {
    if (daemon === undefined) return;
    virsh(await imageFile(permissiveExcept([])), ['destroy running'], ['-c', daemon.uri]);
    await daemon.stop();
  });

  const filter = (name: string) =>
    `nwfilter-define ${file(`filter-${name}.xml`, `<filter name='${name}' chain='root'></filter>`)}`;
  const other = guestXml('other', '5f1c1c1e-0000-4000-8000-00000000cccc', '/etc/shadow');

  const daemonRows: readonly Row[] = [
    {
      what: 'nwfilters by name, where they are defined',
      rule: { actions: ['config'], resources: { kinds: ['nwfilter'], names: ['a*'] } },
      refused: filter('a'),
      permitted: filter('b'),
    },
    {
      what: 'nwfilters by name, which no other element can pretend to be',
      rule: { actions: ['config'], resources: { kinds: ['nwfilter'], names: ['a*'] } },
      refused: `nwfilter-define ${file('pretend.xml', "<!-- <x name='c'> --><filter chain='root' name = 'a2'><name>b</name></filter>")}`,
      permitted: `nwfilter-define ${file('honest.xml', "<filter name='b2' chain='root'><name>a</name></filter>")}`,
    },
    {
      what: 'secrets, where they are defined',
      rule: { actions: ['secret.write'], xml: { xpath: ["/secret/usage/volume = 'x'"] } },
      refused: secret('x'),
      permitted: secret('y'),
    },
    {
      what: 'the path of a disk',
      rule: { actions: ['config'], xml: { 'disk-source': { glob: '/etc/*' } } },
      refused: define('qemu-other', other),
      permitted: define('qemu-same', guestXml('same', '5f1c1c1e-0000-4000-8000-00000000dddd', '/srv/a')),
    },
    {
      what: 'a flag of a guest that runs',
      rule: { actions: ['domain.write'], arguments: { flags: { hasAny: ['VIR_DOMAIN_AFFECT_LIVE'] } } },
      refused: 'setmem running 8192 --live',
      permitted: 'metadata running urn:x --current',
      unsupported: true,
    },
    {
      what: 'a typed parameter of a guest that runs',
      rule: { actions: ['domain.write'], arguments: { 'params.*_iops_sec': { lessOrEqual: 10 } } },
      refused: 'blkdeviotune running vda --total-iops-sec 10',
      permitted: 'blkdeviotune running vda --total-iops-sec 11',
    },
    {
      what: 'commands to its monitor',
      rule: { actions: ['guest-access'], monitor: { not: { commands: ['query-*'] } } },
      refused: `qemu-monitor-command running '{"execute":"stop"}'`,
      permitted: `qemu-monitor-command running '{"execute":"query-status"}'`,
    },
    {
      what: 'its uuid',
      rule: { actions: ['domain.suspend'], resources: { uuids: [uuid] } },
      refused: 'suspend running',
      permitted: 'dominfo running',
    },
    {
      what: 'the transport',
      rule: { actions: ['domain.suspend'], connections: { drivers: ['qemu'], transports: ['unix'] } },
      refused: 'suspend running',
      permitted: 'domstate running',
    },
  ];

  withDaemon.each(daemonRows.map((row) => [row.what, row] as const))('%s', async (_, row) => {
    const policy = await imageFile(permissiveExcept([{ id: 'it', effect: 'deny', actions: [], ...row.rule }]));
    const args = ['-c', daemon.uri];
    expect(virsh(policy, [row.refused], args)).toMatchObject({
      refusing: ['it'],
      stderr: expect.stringContaining("rule 'it'"),
    });
    const permitted = virsh(policy, [row.permitted], args);
    expect(permitted).toMatchObject({ refusing: [] });
    if (row.unsupported !== true) expect(permitted.stderr).toBe('');
  });
});
