// Hosts that are rough with their libraries: the shim never crashes, prints, exits, hangs or writes where it should not.
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { verifyTrail } from '../../src/trail/index.js';
import { requireBinding } from '../support/bindings.js';
import { compileFixture, requireFixtures } from '../support/fixtures.js';
import { temporaryFolder } from '../support/paths.js';
import {
  deny,
  imageFile,
  PRELOAD,
  permissiveExcept,
  runBare,
  runShimmed,
  type ShimmedOutcome,
  type ShimOptions,
} from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const test = requireFixtures();
const testAsRoot = requireThat(process.getuid?.() === 0, 'needs root');

const program = () => compileFixture('rough.c', { flags: ['-lvirt', '-lpthread'] });
const refusing = () => imageFile(permissiveExcept([deny('no', ['domain.stop'])]));

/** Runs the host that is rough in this way, under a policy that refuses only virDomainDestroy. */
async function rough(args: readonly string[], options: ShimOptions = {}): Promise<ShimmedOutcome> {
  return runShimmed(program(), args, { policy: await refusing(), timeout: 50_000, ...options });
}

/** It noticed nothing that went wrong, and ended well. */
function expectWell(run: ShimmedOutcome): void {
  expect(run).toMatchObject({ stdout: 'done\n', stderr: '', status: 0, signal: null });
}

/** Records of each function, complete, numbered without a gap, in a chain that holds. */
async function expectRecords(run: ShimmedOutcome, counts: Readonly<Record<string, number>>): Promise<void> {
  const found = Object.fromEntries(
    Object.keys(counts).map((event) => [event, run.records.filter((record) => record.event === event).length]),
  );
  expect(found).toEqual(counts);
  expect(run.records.map((record) => record.seq)).toEqual(run.records.map((_, index) => index + 1));
  expect((await verifyTrail(run.trail)).problems).toEqual([]);
}

describe('threads', () => {
  test('each sees its own error, and all records are there', async () => {
    const run = await rough(['threads']);
    expectWell(run);
    const suspended = 2 * 8 * 50;
    await expectRecords(run, {
      virDomainSetAutostart: suspended,
      virDomainSetMetadata: suspended,
      virDomainDestroy: 4 * 50,
    });
    expect(new Set(run.records.map((record) => record.rid)).size).toBe(suspended + 4 * 50);
    expect(new Set(run.records.map((record) => record.tid)).size).toBe(8);
  });

  test('with a small stack', async () => {
    for (const size of [65536, 49152]) expectWell(await rough(['small-stack', String(size)]));
  });

  test('that are cancelled in the middle of a call', async () => {
    expectWell(await rough(['cancelled']));
  });

  test("that call from their own data's destructors", async () => {
    const run = await rough(['thread-ends']);
    expectWell(run);
    await expectRecords(run, { virDomainSetAutostart: 2 * (1 + 20 * 3), virDomainDestroy: 2 * 20 });
  });

  test('that still call while the process ends', async () => {
    const run = await rough(['exiting']);
    expectWell(run);
    expect((await verifyTrail(run.trail)).problems).toEqual([]);
  });
});

describe('children', () => {
  test('of a process with busy threads', async () => {
    const run = await rough(['fork-threads']);
    expectWell(run);
    expect((await verifyTrail(run.trail)).problems).toEqual([]);
    expect(new Set(run.records.map((record) => record.pid)).size).toBe(41);
  });

  test('many at once, all writing one trail', async () => {
    const run = await rough(['fork-storm']);
    expectWell(run);
    const calls = 1 + 10 + 20 * 10;
    await expectRecords(run, { virDomainSetAutostart: 2 * calls, virDomainSetMetadata: 2 * calls });
    expect(new Set(run.records.map((record) => record.rid)).size).toBe(2 * calls);
    expect(new Set(run.records.map((record) => record.pid)).size).toBe(21);
  });

  test('of children', async () => {
    const run = await rough(['grandchildren']);
    expectWell(run);
    await expectRecords(run, { virDomainSetAutostart: 2 * 5 });
    expect(new Set(run.records.map((record) => record.pid)).size).toBe(5);
  });

  test('that become another program stay wrapped', async () => {
    const run = await rough(['spawned']);
    expect(run).toMatchObject({ stdout: 'done\ndone\ndone\n', stderr: '', status: 0 });
    await expectRecords(run, { virDomainSetAutostart: 2 * 4 });
    expect(new Set(run.records.map((record) => record.pid)).size).toBe(3);
  });
});

describe('early and late', () => {
  const library = () => compileFixture('early.c', { flags: ['-shared', '-fPIC', '-lvirt'], fileName: 'libearly.so' });
  const line = (when: string) => `${when} 0 0 -1 access denied: virDomainDestroy on domain 'test'`;

  test("calls from another library's constructor and destructor", async () => {
    for (const order of [`${PRELOAD}:${library()}`, `${library()}:${PRELOAD}`]) {
      const run = runShimmed('true', [], { policy: await refusing(), env: { LD_PRELOAD: order } });
      expect(run).toMatchObject({ status: 0, stderr: '' });
      expect(run.stdout).toContain(line('early'));
      expect(run.stdout).toContain(line('late'));
      await expectRecords(run, { virDomainSuspend: 4, virDomainResume: 4, virDomainDestroy: 2 });
    }
  });

  test('calls before any constructor', async () => {
    const early = compileFixture('early.c', { flags: ['-DPREINIT', '-lvirt'] });
    // libvirt itself may not stand this on every machine.
    if (runBare(early, []).status !== 0) return;
    const run = runShimmed(early, [], { policy: await refusing() });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    for (const when of ['early', 'main', 'late']) expect(run.stdout).toContain(line(when));
    await expectRecords(run, { virDomainSuspend: 6, virDomainResume: 6, virDomainDestroy: 3 });
  });

  test('calls from exit handlers', async () => {
    const run = await rough(['from-handlers']);
    expectWell(run);
    await expectRecords(run, { virDomainSetAutostart: 2, virDomainDestroy: 1 });
  });
});

describe('files', () => {
  test('that the host closes, using their numbers again', async () => {
    const victim = join(temporaryFolder('victim'), 'file');
    const run = await rough(['closed-files', victim], {
      policy: await imageFile(permissiveExcept([deny('no', ['domain.stop'])], { onAuditFailure: 'allow' })),
    });
    expectWell(run);
    expect(statSync(victim).size).toBe(0);
    expect((await verifyTrail(run.trail)).problems).toEqual([]);
    // What was called before all numbers were taken, and after they were free again.
    expect(run.records.filter((record) => record.event === 'virDomainSetAutostart').length).toBeGreaterThanOrEqual(4);
  });

  test('that the host replaces by another one', async () => {
    const victim = join(temporaryFolder('victim'), 'file');
    const run = await rough(['replaced-files', victim]);
    expectWell(run);
    expect(readFileSync(victim, 'utf8')).toBe('');
    await expectRecords(run, { virDomainSetAutostart: 4, virDomainSetMetadata: 4 });
  });

  test.each([4, 5, 6, 8, 16, 64, 256])('of which there may be only %i', async (number) => {
    const run = await rough(['few-files', String(number)]);
    expect(run).toMatchObject({ stderr: '', status: 0, signal: null });
    // Either everything works, or it is refused with the reason.
    if (run.stdout !== 'done\n')
      expect(run.stdout).toMatch(/access denied: .*(Too many open files|policy cannot be used)/);
    else await expectRecords(run, { virDomainSetAutostart: 2, virDomainSetMetadata: 2 });
  });

  test('that may not grow: what cannot be recorded is refused, and no signal kills the host', async () => {
    const run = await rough(['small-files']);
    expect(run).toMatchObject({ stderr: '', status: 0, signal: null, stdout: 'done\n' });
    expect((await verifyTrail(run.trail)).problems).toEqual([]);
    expect(statSync(join(run.trail, 'trail.xml')).size).toBeLessThanOrEqual(4096);
  });

  test('that may not grow from the start', async () => {
    const run = await rough(['no-files']);
    expect(run).toMatchObject({ stderr: '', status: 0, signal: null, stdout: 'done\n' });
  });
});

describe('privileges', () => {
  function nobodysTrail(): string {
    const folder = temporaryFolder('nobody');
    chmodSync(folder, 0o755);
    return join(folder, 'trail');
  }

  testAsRoot('dropped after the first call, with another root folder', async () => {
    const run = await rough(['dropped', temporaryFolder('jail')]);
    expectWell(run);
    await expectRecords(run, { virDomainSetAutostart: 4, virDomainDestroy: 1 });
  });

  testAsRoot('dropped before the first record: refused, because nothing can be recorded', async () => {
    const run = await rough(['dropped-early', temporaryFolder('jail')]);
    expect(run).toMatchObject({ stderr: '', status: 0, signal: null });
    const refusal =
      /^(autostart|title): access denied: \w+ on domain 'test': it cannot be recorded: trail `.*`: Permission denied/gm;
    expect(run.stdout.match(refusal)).toHaveLength(2);
  });

  testAsRoot('of a user who may not start threads', async () => {
    const trail = nobodysTrail();
    mkdirSync(trail, { mode: 0o700 });
    const { chownSync } = await import('node:fs');
    chownSync(trail, 65534, 65534);
    // Without a policy audit text goes to the kernel, from a thread where there may be one.
    const run = runShimmed(program(), ['no-threads'], { trail });
    expectWell(run);
    await expectRecords(run, { virDomainSetAutostart: 2, virDomainSetMetadata: 2 });
  });
});

describe('environment', () => {
  test('that the host empties before its first call', async () => {
    const run = await rough(['clean-environment']);
    expect(run).toMatchObject({ stdout: 'done\n', status: 0 });
    expect(run.stderr).toMatch(/^libvirt: .*access denied: virDomainDestroy on domain 'test': rule 'no'.*\n$/);
    await expectRecords(run, { virDomainSetAutostart: 2, virDomainDestroy: 1 });
  });

  requireBinding('python')('that a Python program empties', async () => {
    const script = [
      'import os, libvirt',
      'os.environ.clear()',
      'libvirt.registerErrorHandler(lambda context, error: None, None)',
      'try: libvirt.open("test:///default").lookupByName("test").destroy()',
      'except libvirt.libvirtError as e: print(e)',
    ].join('\n');
    const run = runShimmed('/usr/bin/python3', ['-c', script], { policy: await refusing() });
    expect(run.stdout).toContain("access denied: virDomainDestroy on domain 'test': rule 'no'");
    expect(run.records.at(-1)).toMatchObject({ event: 'virDomainDestroy', effect: 'denied' });
  });
});

describe('signals', () => {
  test('that interrupt every system call', async () => {
    const run = await rough(['signals']);
    expectWell(run);
    await expectRecords(run, { virDomainSetAutostart: 400, virDomainSetMetadata: 400, virDomainDestroy: 1 });
  });
});
