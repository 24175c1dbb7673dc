// A refused call fails as libvirt's calls do: by its return value, with an error that names the rule and the record.
import { describe, expect } from '@jest/globals';
import { functions } from '../../src/generated/api.js';
import type { PolicyDocument } from '../../src/policy/document.js';
import { requireBinding } from '../support/bindings.js';
import { type CallOutcome, callOf, opened, shimmedCalls, withDomain } from '../support/calls.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { ROOT } from '../support/paths.js';
import type { TrailRecord } from '../support/records.js';
import { deny, imageFile, permissiveExcept, runShimmed, TESTED_SHIM } from '../support/shim.js';
import { sweepTable } from '../support/sweep_table.js';
import { requireTool } from '../support/tools.js';

const test = requireFixtures();
const testVirsh = requireTool('virsh');
const testPython = requireBinding('python');
const testPerl = requireBinding('perl');

const accessDenied = 88;
const fromAccess = 55;

/** The record id in a refusal's message. */
function ridOf(message: string): string {
  return /\(record ([0-9a-f]{16})\)$/.exec(message)?.[1] ?? `no record id in: ${message}`;
}

/** Expects libvirt's error about a refusal, and the record that it names. */
function expectRefusal(call: CallOutcome, records: readonly TrailRecord[], event: string, rule: string): void {
  expect(call).toMatchObject({ code: accessDenied, domain: fromAccess, level: 2, callbacks: 1, errno: 4242 });
  expect(call.message).toContain(`access denied: ${event}`);
  expect(call.message).toContain(`rule '${rule}' of policy 'test'`);
  const named = records.filter((record) => record.rid === ridOf(call.message));
  expect(named).toHaveLength(1);
  expect(named[0]).toMatchObject({ root: 'methodresponse', event, state: 0, effect: 'denied', rule });
}

/** What is refused, by the type that the function returns. */
const cases: readonly (readonly [
  type: string,
  event: string,
  step: string,
  before: readonly string[],
  value: string,
])[] = [
  ['int', 'virDomainDestroy', 'destroy', withDomain, '-1'],
  ['int of a query', 'virDomainIsActive', 'is_active', withDomain, '-1'],
  ['int of a connection', 'virConnectNumOfDomains', 'num_domains', opened, '-1'],
  ['object by definition', 'virDomainDefineXML', 'define:<domain/>', opened, 'null'],
  ['object by look-up', 'virDomainLookupByName', 'lookup:test', opened, 'null'],
  ['connection', 'virConnectOpen', 'open:test:///default', [], 'null'],
  ['read-only connection', 'virConnectOpenReadOnly', 'open_ro:test:///default', [], 'null'],
  ['char *', 'virDomainGetXMLDesc', 'xml', withDomain, 'null'],
  ['const char *', 'virDomainGetName', 'name', withDomain, 'null'],
  ['unsigned int', 'virDomainGetID', 'id', withDomain, '4294967295'],
  ['unsigned long', 'virDomainGetMaxMemory', 'max_memory', withDomain, '0'],
  ['unsigned long long', 'virNodeGetFreeMemory', 'free_memory', opened, '0'],
  ['void', 'virEventUpdateTimeout', 'update_timeout', [], 'void'],
];

describe('return types', () => {
  test.each(cases)('%s: %s', async (_type, event, step, before, value) => {
    const policy = await imageFile(permissiveExcept([deny('no', [event])]));
    const run = shimmedCalls([...before, step], { policy });
    const [verb = ''] = step.split(':');
    const call = callOf(run, verb);
    expect(call.value).toBe(value);
    expectRefusal(call, run.records, event, 'no');
  });

  test('every function that a default refuses returns its failure value', async () => {
    const flags = ['-Wl,--no-as-needed', '-lvirt', '-lvirt-qemu', '-lvirt-lxc', '-lvirt-admin', '-ldl'];
    const program = compileFixture('sweep.c', { flags, table: sweepTable() });
    const policy = await imageFile({ name: 'test', audit: { netlink: false } });
    const { stdout } = runShimmed(program, ['refused'], { policy });
    const judged = new Map(functions.filter((fn) => fn.class !== 'helper').map((fn) => [fn.name, fn]));
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    const wrong = lines.filter(([name = '', , end = '']) => {
      const fn = judged.get(name);
      if (fn === undefined) return false;
      const value = { None: 'void', Null: 'null', Zero: '0', Negative: '-1', MinusOne: '(-1|4294967295)' }[fn.failure];
      const refused = new RegExp(
        `^${value} errno 4242 callbacks 1 error 88/55/2 access denied: ${name}: no rule of policy 'test' allows \\S+ \\(record \\w{16}\\)$`,
      );
      const missing = `this function is not supported by the connection driver: ${name}`;
      return !refused.test(end) && !end.endsWith(missing);
    });
    expect(wrong).toEqual([]);
    expect(lines).toHaveLength(functions.length);
  });

  test('a refused call is not forwarded, and the object stays usable', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['domain.stop'])]));
    const run = shimmedCalls([...withDomain, 'destroy', 'destroy_flags', 'is_active', 'name'], { policy });
    expect(callOf(run, 'is_active')).toMatchObject({ value: '1', code: 0 });
    expect(callOf(run, 'name').value).toBe('test');
    expectRefusal(callOf(run, 'destroy'), run.records, 'virDomainDestroy', 'no');
    expectRefusal(callOf(run, 'destroy_flags'), run.records, 'virDomainDestroyFlags', 'no');
  });

  test('the message names the object', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['domain.stop'])]));
    const { message } = callOf(shimmedCalls([...withDomain, 'destroy'], { policy }), 'destroy');
    expect(message).toMatch(
      /^access denied: virDomainDestroy on domain 'test': rule 'no' of policy 'test' \(record [0-9a-f]{16}\)$/,
    );
  });

  test('a default names the permission that no rule allows', async () => {
    const defaults = { '*': 'allow', control: 'deny' } as const;
    const policy = await imageFile({ name: 'test', defaults, audit: { netlink: false } });
    const { message, code } = callOf(shimmedCalls([...withDomain, 'suspend'], { policy }), 'suspend');
    expect(code).toBe(accessDenied);
    expect(message).toContain("virDomainSuspend on domain 'test': no rule of policy 'test' allows domain.suspend");
  });

  test('the very first call of a process can be refused', async () => {
    const policy = await imageFile({ name: 'test', audit: { netlink: false } });
    const run = shimmedCalls(['open:test:///default', 'open_auth:test:///default'], { policy });
    expect(run.calls.map((call) => [call.value, call.code])).toEqual([
      ['null', accessDenied],
      ['null', accessDenied],
    ]);
  });

  test("the connection's own error function and last error get it, as libvirt's own errors do", async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])]));
    const tail = ['connection_callbacks', 'connection_error'];
    const own = shimmedCalls([...withDomain, 'connection_error_func', 'resume', ...tail]);
    const run = shimmedCalls([...withDomain, 'connection_error_func', 'destroy', ...tail], { policy });
    expect([callOf(own, 'resume').callbacks, callOf(own, 'connection_callbacks').value]).toEqual([0, '1']);
    expect([callOf(run, 'destroy').callbacks, callOf(run, 'connection_callbacks').value]).toEqual([0, '1']);
    expect(callOf(run, 'connection_error').value).toBe(callOf(run, 'destroy').message);
    expect(callOf(run, 'destroy').message).toContain('access denied: virDomainDestroy');
  });

  test('without an error function libvirt prints the refusal as it prints its own errors', async () => {
    const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])]));
    const env = { NO_ERROR_FUNC: '1' };
    const run = runShimmed(compileFixture('calls.c', { flags: ['-lvirt'] }), [...withDomain, 'destroy'], {
      policy,
      env,
    });
    expect(run.stderr).toMatch(/^libvirt: .*error : access denied: virDomainDestroy on domain 'test': rule 'no'.*\n$/);
  });
});

const refuseDestroy: PolicyDocument = permissiveExcept([deny('no-destroy', ['virDomainDestroy*'])]);
const messagePattern =
  /access denied: virDomainDestroy\w* on domain 'test': rule 'no-destroy' of policy 'test' \(record [0-9a-f]{16}\)/;

describe('as tools show it', () => {
  testVirsh('virsh', async () => {
    const run = runShimmed('virsh', ['-c', 'test:///default', 'destroy', 'test'], {
      policy: await imageFile(refuseDestroy),
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^error: Failed to destroy domain 'test'\nerror: access denied: virDomainDestroy/);
    expect(run.stderr).toMatch(messagePattern);
  });

  testPython('Python', async () => {
    const script = [
      'import libvirt',
      'c = libvirt.open("test:///default")',
      'libvirt.registerErrorHandler(lambda context, error: None, None)',
      'try: c.lookupByName("test").destroy()',
      'except libvirt.libvirtError as e: print(e.get_error_code(), e.get_error_domain(), e)',
    ].join('\n');
    const run = runShimmed('/usr/bin/python3', ['-c', script], { policy: await imageFile(refuseDestroy) });
    expect(run.stdout).toMatch(/^88 55 /);
    expect(run.stdout).toMatch(messagePattern);
    expect(run.stderr).toBe('');
  });

  testPerl('Perl', async () => {
    const script = [
      'my $d = Sys::Virt->new(uri => "test:///default")->get_domain_by_name("test");',
      'eval { $d->destroy() }; print $@->code, " ", $@->domain, " ", $@->message;',
    ].join('\n');
    const run = runShimmed('perl', ['-MSys::Virt', '-e', script], { policy: await imageFile(refuseDestroy) });
    expect(run.stdout).toMatch(/^88 55 /);
    expect(run.stdout).toMatch(messagePattern);
  });

  test('Node, by koffi', async () => {
    const script = `
      const koffi = require('koffi');
      const lib = koffi.load('libvirt.so.0');
      const open = lib.func('void *virConnectOpen(const char *)');
      const lookup = lib.func('void *virDomainLookupByName(void *, const char *)');
      lib.func('void virSetErrorFunc(void *, void *)')(null, null);
      const destroy = lib.func('int virDomainDestroy(void *)');
      const message = lib.func('const char *virGetLastErrorMessage()');
      console.log(destroy(lookup(open('test:///default'), 'test')), message());`;
    const run = runShimmed(process.execPath, ['-e', script], { policy: await imageFile(refuseDestroy), cwd: ROOT });
    expect(run.stdout).toMatch(/^-1 /);
    expect(run.stdout).toMatch(messagePattern);
  });

  requireBinding('unraid')('Node, by @unraid/libvirt', async () => {
    const script = `
      require('koffi').load(process.argv[1], { global: true, lazy: true });
      import('@unraid/libvirt').then(async ({ Hypervisor }) => {
        const hypervisor = new Hypervisor({ uri: 'test:///default' });
        await hypervisor.connectOpen();
        const domain = await hypervisor.domainLookupByName('test');
        await hypervisor.domainDestroy(domain).catch((error) => console.log(String(error.message ?? error)));
      });`;
    const run = runShimmed(process.execPath, ['-e', script, TESTED_SHIM], {
      policy: await imageFile(refuseDestroy),
      preload: false,
      cwd: ROOT,
    });
    expect(run.stdout).toMatch(messagePattern);
  });
});
