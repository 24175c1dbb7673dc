// The shipped policies through the real shim, on the test driver: what people would try first, and what they must
// still be able to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { imageOfText } from '../../src/policy/image_file.js';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { canMountPrivately, withMounts } from '../support/private_mounts.js';
import { readRecords, runShimmed, shimEnvironment } from '../support/shim.js';
import { findTool, requireThat } from '../support/tools.js';

const testVirsh = requireThat(findTool('virsh') !== undefined, 'virsh not installed');

const testWithMounts = requireThat(canMountPrivately && findTool('virsh') !== undefined, 'needs virsh and mounts');

const folder = temporaryFolder('shipped');
const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

const images = new Map<string, string>();
function imageOf(name: string): string {
  const known = images.get(name);
  if (known !== undefined) return known;
  const file = join(ROOT, 'policies', `${name}.json`);
  const image = join(folder, `${name}.img`);
  writeFileSync(image, imageOfText(readFileSync(file, 'utf8'), file), { mode: 0o600 });
  images.set(name, image);
  return image;
}

interface Tried {
  /** The rule that refused, or undefined. */
  readonly refused: string | undefined;
  readonly stderr: string;
}

/** Runs virsh commands in one connection; says which rule refused the last of them. */
function virsh(policy: string, ...commands: string[]): Tried {
  const args = ['-c', 'test:///default', commands.join('; ')];
  const run = runShimmed(findTool('virsh') ?? '', args, { policy: imageOf(policy), env: { VIRTSHIM_AUDIT: '' } });
  const denied = run.records.filter(({ effect }) => effect === 'denied');
  return { refused: denied.at(-1)?.rule ?? (denied.length > 0 ? '' : undefined), stderr: run.stderr };
}

/** Runs a program; says which rules refused its calls. */
async function refusals(program: string, args: readonly string[], policy: string): Promise<string[]> {
  const trail = join(temporaryFolder('trail'), 'trail');
  const child = spawn(program, args, { env: shimEnvironment({ policy }, trail), stdio: 'ignore' });
  await once(child, 'close');
  const denied = readRecords(trail).filter(({ effect }) => effect === 'denied');
  return denied.map(({ rule }) => rule ?? '');
}

const domain = (devices: string, more = '') =>
  `<domain type='test'><name>g</name><memory unit='KiB'>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os>${more}<devices>${devices}</devices></domain>`;
const disk = (file: string, more = '') =>
  `<disk type='file' device='disk'><source file='${file}'/><target dev='vda' bus='virtio'/>${more}</disk>`;
const pool = (path: string) => `<pool type='dir'><name>p</name><target><path>${path}</path></target></pool>`;
const secret = "<secret ephemeral='no' private='no'><usage type='volume'><volume>/x</volume></usage></secret>";

const files: Record<string, string> = {};
const define = (name: string) => `define ${files[name]}`;
const create = (name: string) => `create ${files[name]}`;
const attach = (name: string) => `attach-device test ${files[name]}`;

beforeAll(() => {
  const texts: Record<string, string> = {
    plain: domain(''),
    good: domain(disk('/var/lib/libvirt/images/a.img')),
    shadow: domain(disk('/etc/shadow')),
    dots: domain(disk('/var/lib/libvirt/images/../../../../etc/shadow')),
    two: domain(disk('/var/lib/libvirt/images/a.img') + disk('/etc/shadow').replace('vda', 'vdb')),
    disk: disk('/etc/shadow'),
    hostdev:
      "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>",
    vnc: domain("<graphics type='vnc' port='-1'/>"),
    bridge: domain("<interface type='bridge'><source bridge='br0'/></interface>"),
    filtered: domain("<interface type='network'><source network='default'/></interface>"),
    big: domain('').replace("<memory unit='KiB'>1024", "<memory unit='GiB'>64"),
    labelled: domain('', "<seclabel type='dynamic' model='selinux' relabel='yes'/>"),
    unlabelled: domain('', "<seclabel type='none'/>"),
    cpu: domain('', "<cpu mode='host-passthrough'><feature policy='disable' name='smep'/></cpu>"),
    commandline: domain('').replace(
      '<devices>',
      "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-S'/></q:commandline><devices>",
    ),
    pool: pool('/etc'),
    goodpool: pool('/var/lib/libvirt/images'),
    secret,
  };
  for (const [name, text] of Object.entries(texts)) files[name] = write(`${name}.xml`, text);
});

afterAll(() => images.clear());

type Row = readonly [policy: string, what: () => readonly string[], rule: string | undefined];

const rows: readonly Row[] = [
  ['no-host-escape', () => [define('shadow')], 'no-host-escape-disk'],
  ['no-host-escape', () => [create('shadow')], 'no-host-escape-disk'],
  ['no-host-escape', () => [define('dots')], 'no-host-escape-disk'],
  ['no-host-escape', () => [define('two')], 'no-host-escape-disk'],
  ['no-host-escape', () => [define('vnc')], 'no-host-escape-console'],
  ['no-host-escape', () => [define('commandline')], 'no-back-door-extension'],
  ['no-host-escape', () => [attach('disk')], 'no-host-escape-disk'],
  ['no-host-escape', () => [attach('hostdev')], 'no-host-escape-hostdev'],
  ['no-host-escape', () => [`pool-define ${files.pool}`], 'no-host-escape-pool-path'],
  ['no-host-escape', () => [`pool-create ${files.pool}`], 'no-host-escape-pool-path'],
  ['no-host-escape', () => ['restore /tmp/virtshim-no'], 'no-back-door-restore'],
  [
    'no-host-escape',
    () => [define('good'), 'start g', `pool-define ${files.goodpool}`, 'setmem test 1048576'],
    undefined,
  ],
  ['require-confinement', () => [define('plain')], 'require-confinement-label'],
  ['require-confinement', () => [define('unlabelled')], 'require-confinement-label'],
  ['require-confinement', () => [define('labelled')], undefined],
  ['resource-limits', () => [define('big')], 'resource-limits-memory'],
  ['resource-limits', () => ['setmaxmem test 20G --config'], 'resource-limits-set-memory'],
  ['resource-limits', () => ['setmem test 20G'], 'resource-limits-set-memory'],
  ['resource-limits', () => ['setvcpus test 64 --config --maximum'], 'resource-limits-set-vcpus'],
  ['resource-limits', () => [define('plain'), 'setmem test 1048576'], undefined],
  ['encrypted-images', () => [define('good')], 'encrypted-images-disk'],
  ['encrypted-images', () => [define('plain')], undefined],
  ['guarded-network', () => [define('bridge')], 'guarded-network-interface'],
  ['guarded-network', () => [define('filtered')], undefined],
  ['cpu-protections', () => [define('cpu')], 'cpu-protections-features'],
  ['cpu-protections', () => [define('plain')], 'cpu-protections-mode'],
  ['read-only', () => ['setmem test 1048576'], 'read-only-no-write'],
  ['read-only', () => [`secret-define ${files.secret}`], 'read-only-no-write'],
  ['read-only', () => ['dominfo test', 'pool-list --all'], undefined],
  ['operator', () => ['destroy test'], 'operator-no-destroy'],
  ['operator', () => [define('plain')], 'operator-no-define'],
  ['operator', () => [`secret-define ${files.secret}`], 'operator-no-define'],
  ['operator', () => ['pool-destroy default-pool'], ''],
  ['operator', () => ['suspend test', 'resume test', 'shutdown test', 'start test'], undefined],
  ['least-privilege', () => ['domstate test'], ''],
  ['permissive-learn', () => ['destroy test'], undefined],
  ['encrypted-remote-only', () => ['dominfo test'], undefined],
];

describe('through the shim', () => {
  testVirsh.each(rows.map(([policy, what, rule], index) => [index, policy, rule ?? 'nothing', what, rule] as const))(
    '%i: %s is refused by %s',
    (_index, policy, _named, what, rule) => {
      const tried = virsh(policy, ...what());
      expect(tried).toMatchObject({ refused: rule });
      if (rule === undefined) expect(tried.stderr).toBe('');
    },
  );

  // On a machine of its own: what it counts outlives the programs, and would refuse the next run of this test.
  testWithMounts('blast-radius refuses the sixth destroy of a minute, whichever process it comes from', async () => {
    const lib = temporaryFolder('lib');
    const refusedIn = (...commands: string[]): Promise<string[]> => {
      const args = ['-c', 'test:///default', commands.join('; ')];
      const [program, all] = withMounts([{ path: '/var/lib', source: lib }], findTool('virsh') ?? '', args);
      return refusals(program, all, imageOf('blast-radius'));
    };
    const stops = ['destroy test', 'reset test', 'start test', 'destroy test'];
    const all = await Promise.all([...Array(4).keys()].map(() => refusedIn(...stops)));
    expect(all.flat()).toEqual(Array(4 * 3 - 5).fill('blast-radius-stop'));
    expect(await refusedIn('shutdown test', 'start test', 'reboot test')).toEqual([]);
    expect(await refusedIn('undefine test --snapshots-metadata', 'destroy test')).toEqual(['blast-radius-stop']);
    expect(await refusedIn(...Array<string>(4).fill('net-destroy default; net-start default'))).toEqual([
      'blast-radius-network',
    ]);
  });

  testVirsh('change-window refuses changes by day, on working days, in its zone', () => {
    const inBerlin = (): boolean => {
      const now = new Date().toLocaleString('en-GB', { timeZone: 'Europe/Berlin', weekday: 'short', hour: '2-digit' });
      const [day = '', hour = ''] = now.split(/\W+/);
      return !day.startsWith('S') && Number(hour) >= 6 && Number(hour) < 20;
    };
    const before = inBerlin();
    const tried = virsh('change-window', 'setmem test 1048576');
    // At the stroke of the hour either is right.
    if (before === inBerlin()) expect(tried.refused).toBe(before ? 'change-window-working-hours' : undefined);
    expect(virsh('change-window', 'suspend test', 'resume test').refused).toBeUndefined();
  });

  testVirsh('encrypted-remote-only refuses plain TCP before anything is sent', () => {
    const args = ['-c', 'test+tcp://127.0.0.1:1/default', 'list'];
    const run = runShimmed(findTool('virsh') ?? '', args, { policy: imageOf('encrypted-remote-only') });
    expect(run.records.find(({ effect }) => effect === 'denied')).toMatchObject({
      rule: 'encrypted-remote-only-connect',
    });
  });
});

test('every shipped policy stands here', () => {
  const named = new Set([...rows.map(([policy]) => policy), 'blast-radius', 'change-window']);
  expect(named.size).toBe(13);
});
