// However a program comes by libvirt's functions, it gets the shim's; and whatever else it looks up is left alone.
import { dirname } from 'node:path';
import { describe, expect } from '@jest/globals';
import { type Binding, requireBinding } from '../support/bindings.js';
import { callsProgram, withDomain } from '../support/calls.js';
import { type CompileOptions, compileFixture, requireFixtures } from '../support/fixtures.js';
import { ROOT } from '../support/paths.js';
import {
  deny,
  imageFile,
  PRELOAD,
  permissiveExcept,
  runBare,
  runShimmed,
  type ShimmedOutcome,
  type ShimOptions,
  TESTED_SHIM,
} from '../support/shim.js';

const test = requireFixtures();

const shared = (...flags: string[]): CompileOptions => ({ flags: ['-shared', '-fPIC', ...flags], fileName: 'lib.so' });
const plugin = () => compileFixture('plugin.c', shared('-lvirt'));
const loader = () => compileFixture('loader.c', { flags: ['-ldl', '-rdynamic'] });

const noDestroy = permissiveExcept([deny('no-destroy', ['virDomainDestroy*'])]);

async function refused(program: string, args: readonly string[], options: ShimOptions = {}): Promise<ShimmedOutcome> {
  return runShimmed(program, args, { policy: await imageFile(noDestroy), ...options });
}

/** Expects that the program's only call of virDomainDestroy was seen, and refused under that rule. */
function expectRefused(run: ShimmedOutcome): void {
  // ruby-libvirt calls virDomainDestroyFlags.
  expect(run.stdout).toMatch(/access denied: virDomainDestroy(Flags)? on domain 'test': rule 'no-destroy'/);
  const seen = run.records.filter((record) => record.event?.startsWith('virDomainDestroy'));
  expect(seen.map((record) => [record.effect, record.nested])).toEqual([['denied', false]]);
}

describe('C', () => {
  test('a plugin loaded after the shim was made global', async () => {
    expectRefused(await refused(loader(), ['global', TESTED_SHIM, plugin()], { preload: false }));
  });

  test.each([['local'], ['lazy'], ['deepbind']])('a plugin loaded %s under LD_PRELOAD', async (way) => {
    expectRefused(await refused(loader(), [way, plugin()]));
  });

  test.each([['dlsym'], ['dlvsym'], ['default'], ['deep-handle']])('look-ups by %s', async (way) => {
    expectRefused(await refused(loader(), [way]));
  });

  test('look-ups on a library that depends on libvirt', async () => {
    expectRefused(await refused(loader(), ['dependency', plugin()]));
  });

  test('a plugin behind a bare process, for comparison', () => {
    expect(runBare(loader(), ['deepbind', plugin()]).stdout).toMatch(/^plugin 0 /);
  });
});

describe('other look-ups', () => {
  const addresses = (text: string) => text.replaceAll(loader(), 'PROGRAM');

  test('what is not there is not found, in the C library own words', () => {
    const bare = runBare(loader(), ['failures']);
    const run = runShimmed(loader(), ['failures']);
    expect(addresses(run.stdout)).toBe(addresses(bare.stdout));
    expect(bare.stdout).toContain('unknown on libvirt: not found, ');
    expect(run.stdout).toContain('errno 4242');
    expect(run.records).toEqual([]);
  });

  test('the same function is found each time, and the handle can be closed', () => {
    expect(runShimmed(loader(), ['lookups']).stdout).toBe('stable: 1\nclosing: 0\n');
  });

  test('a function of the program that shares a name with libvirt stays the program own', () => {
    const run = runShimmed(loader(), ['own']);
    expect([run.stdout, run.records]).toEqual(['own 77\n', []]);
  });

  test('the RUNPATH of the calling library is searched', () => {
    const inner = compileFixture('inner.c', { flags: ['-shared', '-fPIC'], fileName: 'libinner-private.so' });
    const flags = [`-Wl,-rpath,${dirname(inner)}`, '-Wl,--enable-new-dtags'];
    const outer = compileFixture('inner.c', shared('-DOUTER', ...flags));
    expect(runBare(loader(), ['local', outer]).stdout).toBe('loaded\n');
    expect(runShimmed(loader(), ['local', outer]).stdout).toBe('loaded\n');
    expect(runShimmed(loader(), ['load', 'libinner-private.so']).stdout).toContain('cannot open shared object file');
    const ownPath = compileFixture('loader.c', { flags: ['-ldl', '-rdynamic', ...flags] });
    expect(runShimmed(ownPath, ['load', 'libinner-private.so']).stdout).toBe('loaded\n');
  });
});

describe('beside another interposer', () => {
  const other = () => compileFixture('other_shim.c', shared('-ldl'));

  test('that comes before the shim: it forwards to the shim', async () => {
    const run = await refused(loader(), ['local', plugin()], { env: { LD_PRELOAD: `${other()}:${PRELOAD}` } });
    expect(run.stderr).toBe('other: getenv\nother: destroy\n');
    expectRefused(run);
  });

  test('that comes behind the shim: the shim judges and forwards', async () => {
    const env = { LD_PRELOAD: `${PRELOAD}:${other()}` };
    const run = await refused(loader(), ['local', plugin()], { env });
    expect(run.stderr).toBe('other: getenv\n');
    expectRefused(run);
    const permitted = runShimmed(loader(), ['local', plugin()], { env });
    expect(permitted.stdout).toMatch(/^plugin 0 /);
    expect(permitted.records.at(-1)).toMatchObject({ event: 'virDomainDestroy', state: 1 });
  });

  test.each([['before'], ['behind']])('%s the shim, in a program that is linked with libvirt', (place) => {
    const bare = runBare(callsProgram(), [...withDomain, 'destroy'], { env: { LD_PRELOAD: other() } });
    expect(bare.stderr).toBe('other: getenv\nother: destroy\n');
    const order = place === 'before' ? [other(), PRELOAD] : [PRELOAD, other()];
    const run = runShimmed(callsProgram(), [...withDomain, 'destroy'], { env: { LD_PRELOAD: order.join(':') } });
    expect(run.stdout).toBe(bare.stdout);
    expect(run.stderr).toBe(place === 'before' ? bare.stderr : 'other: getenv\n');
    expect(run.records.at(-1)).toMatchObject({ event: 'virDomainDestroy', state: 1 });
  });
});

const ctypes = `
import ctypes, sys
l = ctypes.CDLL("libvirt.so.0")
for name in ("virConnectOpen", "virDomainLookupByName"): getattr(l, name).restype = ctypes.c_void_p
l.virGetLastErrorMessage.restype = ctypes.c_char_p
silent = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(lambda a, b: None)
l.virSetErrorFunc(None, silent)
d = ctypes.c_void_p(l.virDomainLookupByName(ctypes.c_void_p(l.virConnectOpen(b"test:///default")), b"test"))
sys.stdout.write("%d %s" % (l.virDomainDestroy(d), l.virGetLastErrorMessage().decode()))
`;
const koffi = `
const lib = require('koffi').load('libvirt.so.0');
const open = lib.func('void *virConnectOpen(const char *)');
const lookup = lib.func('void *virDomainLookupByName(void *, const char *)');
const destroy = lib.func('int virDomainDestroy(void *)');
console.log(destroy(lookup(open('test:///default'), 'test')), lib.func('const char *virGetLastErrorMessage()')());`;
const unraid = `
const run = async () => {
  if (process.argv[1]) require('koffi').load(process.argv[1], { global: true, lazy: true });
  const { Hypervisor } = await import('@unraid/libvirt');
  const hypervisor = new Hypervisor({ uri: 'test:///default' });
  await hypervisor.connectOpen();
  await hypervisor.domainDestroy(await hypervisor.domainLookupByName('test'));
};
run().catch((error) => console.log(error.message ?? error));`;
const php = `
$c = libvirt_connect("test:///default", false);
$d = libvirt_domain_lookup_by_name($c, "test");
@libvirt_domain_destroy($d); echo libvirt_get_last_error();`;
const ruby = `
require "libvirt"
begin; Libvirt::open("test:///default").lookup_domain_by_name("test").destroy
rescue Libvirt::Error => e; puts e.libvirt_message; end`;
const perl = `
my $d = Sys::Virt->new(uri => "test:///default")->get_domain_by_name("test");
eval { $d->destroy() }; print $@->message;`;
const python = `
import libvirt
libvirt.registerErrorHandler(lambda a, b: None, None)
try: libvirt.open("test:///default").lookupByName("test").destroy()
except libvirt.libvirtError as e: print(e)`;

const bindings: readonly (readonly [name: string, needs: Binding, program: string, args: readonly string[]])[] = [
  ['ctypes', 'python', '/usr/bin/python3', ['-c', ctypes]],
  ['libvirt-python', 'python', '/usr/bin/python3', ['-c', python]],
  ['koffi', 'node', process.execPath, ['-e', koffi]],
  ['@unraid/libvirt', 'unraid', process.execPath, ['-e', unraid]],
  ['Sys::Virt', 'perl', 'perl', ['-MSys::Virt', '-e', perl]],
  ['php', 'php', 'php', ['-r', php]],
  ['ruby', 'ruby', 'ruby', ['-e', ruby]],
];

describe('bindings under LD_PRELOAD', () => {
  for (const [name, needs, program, args] of bindings) {
    requireBinding(needs)(name, async () => {
      expectRefused(await refused(program, args, { cwd: ROOT }));
    });
  }
});

describe('bindings without LD_PRELOAD', () => {
  requireBinding('unraid')('@unraid/libvirt, after koffi loaded the shim for all', async () => {
    expectRefused(await refused(process.execPath, ['-e', unraid, TESTED_SHIM], { cwd: ROOT, preload: false }));
  });

  requireBinding('unraid')('a worker thread of Node is covered too', async () => {
    const inWorker = `
      require('koffi').load(process.argv[1], { global: true, lazy: true });
      new (require('node:worker_threads').Worker)(${JSON.stringify(unraid.replace('if (process.argv[1])', 'if (false)'))}, { eval: true });`;
    expectRefused(await refused(process.execPath, ['-e', inWorker, TESTED_SHIM], { cwd: ROOT, preload: false }));
  });
});
