// Rules about XML, through the real shim: every call that brings XML is judged by it, XML is read as libvirt reads it
// or not at all, and no document takes much time or memory, reaches anything, or shows in the program.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { PolicyDocument, RuleDocument, XmlDocument } from '../../src/policy/document.js';
import { fakeLibvirt } from '../support/fake_libvirt.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { bombs, decoy, disguises, disk, guestOf, secret } from '../support/hostile_xml.js';
import { temporaryFolder } from '../support/paths.js';
import {
  imageFile,
  permissiveExcept,
  runBare,
  runShimmed,
  type ShimOptions,
  shimEnvironment,
} from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const test = requireFixtures();

const accessDenied = 88;
const mebibyte = 1024; // in KiB

interface Answer {
  step: string;
  ok: boolean;
  refused: boolean;
  milliseconds: number;
  grownKib: number;
}

const program = () => compileFixture('xml.c', { flags: ['-lvirt', '-lpthread'] });

function parse(stdout: string): Answer[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [step = '', result, code, milliseconds, grownKib] = line.split('\t');
      return {
        step,
        ok: Number(result) >= 0,
        refused: Number(code) === accessDenied,
        milliseconds: Number(milliseconds),
        grownKib: Number(grownKib),
      };
    });
}

/** Takes the steps under the policy; without one, without the shim. */
function take(steps: readonly string[], policy: string | undefined, options: ShimOptions = {}): Answer[] {
  const run =
    policy === undefined ? runBare(program(), steps, options) : runShimmed(program(), steps, { policy, ...options });
  expect({ status: run.status, signal: run.signal, stderr: run.stderr }).toEqual({
    status: 0,
    signal: null,
    stderr: '',
  });
  return parse(run.stdout);
}

/** Refuses calls whose XML the conditions hold for. */
const denying = (xml: XmlDocument, actions: readonly string[] = ['*']): PolicyDocument =>
  permissiveExcept([{ id: 'no', effect: 'deny', actions, xml }]);

/** Permits calls that bring XML where the conditions hold for it, and only there. */
const allowing = (xml: XmlDocument): PolicyDocument => ({
  name: 'test',
  audit: { netlink: false },
  defaults: { '*': 'deny', read: 'allow', connect: 'allow' },
  rules: [
    { id: 'yes', effect: 'allow', actions: ['virDomainDefineXML'], xml },
    { id: 'clean', effect: 'allow', actions: ['virDomainUndefine'] },
  ],
});

let folder: string;
const files = new Map<string, string>();

function fileOf(content: string | Buffer): string {
  const path = join(folder, `${files.size}.xml`);
  writeFileSync(path, content);
  files.set(path, path);
  return path;
}

beforeAll(() => {
  folder = temporaryFolder('xml');
});

const inside: XmlDocument = { 'disk-source': { glob: '/images/*' } };
const outside: XmlDocument = { 'disk-source': { glob: '/secret/*' } };

describe('XML is read as libvirt reads it, or not at all', () => {
  interface Reading {
    name: string;
    /** Sources of disks that libvirt made of it; none where it did not take it. */
    sources: string[];
    denied: boolean;
    allowed: boolean;
  }
  let readings: Reading[];

  beforeAll(async () => {
    const paths = Object.values(disguises).map(fileOf);
    const steps = paths.map((path) => `define:${path}`);
    const taken = take(steps, undefined);
    const denials = take(steps, await imageFile(denying(outside)));
    const permits = take(steps, await imageFile(allowing(inside)));
    readings = Object.keys(disguises).map((name, i) => ({
      name,
      sources: taken[i]?.ok === true ? sourcesIn(readFileSync(`${paths[i]}.out`, 'utf8')) : [],
      denied: denials[i]?.refused === true,
      allowed: permits[i]?.refused !== true,
    }));
  });

  const sourcesIn = (xml: string) => [...xml.matchAll(/<source [^>]*?file='([^']*)'/g)].map(([, path = '']) => path);
  const leadsOut = (path: string) => !join('/', path).startsWith('/images/');

  test('many lead out', () => {
    expect(readings.filter(({ sources }) => sources.some(leadsOut)).length).toBeGreaterThan(15);
  });

  test('what libvirt reads as a secret is refused by the rule against it', () => {
    const leaks = readings.filter(
      ({ sources, denied }) => sources.some((path) => path.trim() === path && leadsOut(path)) && !denied,
    );
    expect(leaks).toEqual([]);
  });

  test('what libvirt reads as a secret is not permitted by a rule that permits others', () => {
    expect(readings.filter(({ sources, allowed }) => sources.some(leadsOut) && allowed)).toEqual([]);
  });

  test('what is judged as it is, is judged right', async () => {
    const path = fileOf(guestOf(disk(`<source file='${decoy}'/>`)));
    expect(take([`define:${path}`], await imageFile(denying(outside)))).toMatchObject([{ ok: true }]);
    expect(take([`define:${path}`], await imageFile(allowing(inside)))).toMatchObject([{ ok: true }]);
  });
});

describe('no document takes much time, memory or stack, or reaches anything', () => {
  let server: Server;
  let visitors = 0;
  let names: string[];
  let steps: string[];
  let pipe: string;

  beforeAll(async () => {
    server = createServer(() => visitors++);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    // Whoever opens it to read, waits forever.
    pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    const documents = bombs({ file: pipe, url: `http://127.0.0.1:${port}/x` });
    names = Object.keys(documents);
    steps = Object.values(documents).map((document) => `define:${fileOf(document)}`);
  }, 60_000);

  afterAll(() => new Promise((closed) => server.close(closed)));

  // What can be read and breaks no rule goes on to libvirt.
  const harmless = ['1,000 disks', 'a path of a megabyte', 'references of a megabyte'];
  // How many steps these take depends on libxml2.
  const either = ['9,000 sources', '200 disks within each other'];
  const policies: readonly (readonly [string, PolicyDocument, readonly string[]])[] = [
    ['a rule that denies', denying(outside), harmless],
    ['a rule that permits', allowing(inside), ['1,000 disks']],
    ['an expression that denies', denying({ xpath: ["//disk[source/@file = '/secret/key']"] }), harmless],
    ['rules that ask for much', permissiveExcept(manyRules()), harmless],
  ];

  test.each(policies)(
    '%s',
    async (_, policy, permitted) => {
      const answers = take(steps, await imageFile(policy), { timeout: 100_000 });
      const judged = names.map((name, i) => ({ name, ...answers[i], huge: name.startsWith('100 MB') }));
      const slow = judged.filter(({ milliseconds = 0, huge }) => milliseconds > (huge ? 20_000 : 5000));
      expect(slow).toEqual([]);
      // A huge text is copied, to be judged and to be recorded.
      const large = judged.filter(({ grownKib = 0, huge }) => grownKib > (huge ? 400 : 32) * mebibyte);
      expect(large).toEqual([]);
      const certain = judged.filter(({ name }) => !either.includes(name));
      expect(certain.filter(({ refused }) => !refused).map(({ name }) => name)).toEqual(permitted);
      await sleep(100);
      expect(visitors).toBe(0);
    },
    120_000,
  );

  test('on a small stack', async () => {
    const small = steps.filter((_, i) => !names[i]?.startsWith('100 MB'));
    const env = { STACK: '65536' };
    const answers = take(small, await imageFile(denying(outside)), { env, timeout: 100_000 });
    expect(answers.filter(({ refused }) => refused).length).toBeGreaterThan(20);
  }, 120_000);
});

/** One on each of the facts that guards ask for. */
function manyRules(): RuleDocument[] {
  const facts: XmlDocument[] = [
    outside,
    { 'backing-store': { glob: '/secret/*' } },
    { 'disk-encrypted': { equal: true } },
    { 'disk-type': { equal: 'block' } },
    { 'character-path': { glob: '/secret/*' } },
    { 'device-path': { glob: '/secret/*' } },
    { 'interface-source': { equal: 'secret' } },
    { 'seclabel-relabel': { equal: false } },
    { 'hostdev-address': { glob: 'pci:*' } },
    { extension: { glob: '*' } },
  ];
  return facts.map((xml, i) => ({ id: `no-${i}`, effect: 'deny', actions: ['*'], xml }));
}

describe('calls that bring XML', () => {
  const guest = guestOf(disk(`<source file='${secret}'/>`));
  const device = disk(`<source file='${secret}'/>`);

  test.each<readonly [string, string, XmlDocument]>([
    ['define', guest, outside],
    ['create', guest, outside],
    ['attach', device, outside],
    ['update', device, outside],
    ['detach', device, outside],
    [
      'snapshot',
      `<domainsnapshot><disks><disk name='vda'><source file='${secret}'/></disk></disks></domainsnapshot>`,
      outside,
    ],
    ['snapshot', `<domainsnapshot>${guest}</domainsnapshot>`, outside],
    [
      'snapshot',
      "<domainsnapshot><memory file='/secret/key'/></domainsnapshot>",
      { 'snapshot-memory': { glob: '/secret/*' } },
    ],
    ['blockcopy', device, outside],
    ['saveimage', guest, outside],
    ['restore', guest, outside],
    ['migrate', guest, outside],
    [
      'pool',
      "<pool type='dir'><name>p</name><target><path>/var/../etc/</path></target></pool>",
      { 'pool-path': { glob: '/etc*' } },
    ],
    [
      'poolcreate',
      "<pool type='dir'><name>p</name><target><path>/etc</path></target></pool>",
      { 'pool-path': { equal: '/etc' } },
    ],
    [
      'volume',
      "<volume><name>v</name><capacity unit='GiB'>9</capacity></volume>",
      { 'volume-capacity': { greater: 1 } },
    ],
    ['network', "<network><name>n</name><forward mode='route'/></network>", { 'network-forward': { equal: 'route' } }],
  ])('%s: %s', async (verb, xml, facts) => {
    const steps = [`${verb}:${fileOf(xml)}`];
    expect(take(steps, await imageFile(denying(facts)))).toMatchObject([{ refused: true }]);
    expect(take(steps, await imageFile(denying({ xpath: ['/nothing'] })))).toMatchObject([{ refused: false }]);
  });
});

describe('a program that uses libxml2 itself', () => {
  const host = () => compileFixture('xml_host.c', { flags: ['-lvirt', '-l:libxml2.so.2'] });
  const withLibxml2 = requireThat(existsSync('/usr/lib/x86_64-linux-gnu/libxml2.so.2'), 'libxml2 is not installed');

  withLibxml2('notices nothing of it', async () => {
    const documents = [
      guestOf(disk(`<source file='${secret}'/>`)),
      guestOf(disk("<source file='/secret&nothing;/key'/>")),
      '<domain',
      '<domain><a></b></domain>',
      guestOf("<disk><source file='/images/a' dev='/images/a'/></disk>".repeat(1000)),
    ];
    const policy = await imageFile(
      permissiveExcept([
        { id: 'no', effect: 'deny', actions: ['*'], xml: outside },
        { id: 'broken', effect: 'deny', actions: ['*'], xml: { xpath: ['count(1) = 1'] } },
      ]),
    );
    const run = runShimmed(host(), documents, { policy });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const rows = run.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
    expect(rows.map(([what]) => what)).toEqual([
      'complaints',
      'texts',
      'nodes',
      'blocks',
      'code',
      'handlers',
      'message',
      'refused',
    ]);
    for (const [what, before, after] of rows) expect([what, after]).toEqual([what, before]);
  });
});

test('forks while other threads have XML judged: no child hangs', async () => {
  const forks = compileFixture('xml_forks.c', { flags: ['-lvirt', '-lpthread'] });
  const policy = await imageFile(denying(outside));
  const xml = guestOf(disk(`<source file='${secret}'/>`));
  // Not runShimmed(): it would read all the records that the threads leave.
  const env = shimEnvironment({ policy }, join(temporaryFolder('trail'), 'trail'));
  const run = spawnSync(forks, [xml, '600'], { env, encoding: 'utf8', timeout: 100_000 });
  expect(run.stdout).toBe('600 children, 0 hung, 0 wrong\n');
});

const withPython = requireFixtures('python3');

withPython('a libvirt without libxml2: nothing is known of XML', async () => {
  const script = `
import ctypes, sys
libvirt = ctypes.CDLL('libvirt.so.0')
libvirt.virDomainDefineXML.restype = ctypes.c_void_p
print(bool(libvirt.virDomainDefineXML(ctypes.c_void_p(libvirt.virConnectOpen(None)), sys.argv[1].encode())))`;
  const env = { LD_LIBRARY_PATH: fakeLibvirt() };
  const args = ['-c', script, guestOf(disk(`<source file='${decoy}'/>`))];
  const defined = async (policy: PolicyDocument) =>
    runShimmed('python3', args, { env, policy: await imageFile(policy) }).stdout;
  expect(await defined(denying(outside))).toBe('False\n');
  expect(await defined(allowing(inside))).toBe('False\n');
  expect(await defined(permissiveExcept([]))).toBe('True\n');
});
