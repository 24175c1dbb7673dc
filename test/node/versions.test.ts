// Each version of Node that the package is for: the whole API in one program, the ways to load it, and every way to end.
import { beforeAll, describe, expect } from '@jest/globals';
import { requireBinding } from '../support/bindings.js';
import { makeApp, noDestroy, refusals, runApp } from '../support/node_apps.js';
import { nodeVersions } from '../support/node_versions.js';
import type { ShimOptions } from '../support/shim.js';

const everything = `
import { Connection, constants, LibvirtError, PolicyDeniedError, withActor } from 'virtshim';
import * as ffi from 'virtshim/ffi';
import { VIR_ERR_NO_DOMAIN } from 'virtshim/constants';

const report = (value) => console.log(JSON.stringify(value));
const raw = ffi.virConnectOpen('test:///default');
const guest = ffi.virDomainLookupByName(raw, 'test');
report({ sync: ffi.virDomainGetInfo(guest).state, async: (await ffi.virDomainGetInfo.async(guest)).state });
ffi.virDomainFree(guest);
ffi.virConnectClose(raw);

const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
const events = connection.domainEvents('lifecycle');
await withActor({ user: 'alice' }, () => domain.suspend());
for await (const event of events) {
  report({ event: event.event === constants.VIR_DOMAIN_EVENT_SUSPENDED, guest: event.domain.nameSync() });
  break;
}
const denied = await domain.destroy().catch((error) => error);
report({ denied: denied instanceof PolicyDeniedError, rule: denied.rule });
const missing = await connection.lookupByName('missing').catch((error) => error);
report({ missing: missing instanceof LibvirtError, code: missing.code === VIR_ERR_NO_DOMAIN });
const all = await Promise.all(Array.from({ length: 200 }, () => domain.info()));
report({ many: all.length });
await connection.close();
`;

const everythingReported = [
  { sync: 1, async: 1 },
  { event: true, guest: 'test' },
  { denied: true, rule: 'no-destroy' },
  { missing: true, code: true },
  { many: 200 },
];

/** Leaves calls in flight, an event loop, listeners and objects behind. */
const busy = `
import { Connection } from 'virtshim';
const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
connection.watch('domain').on('lifecycle', () => {});
const events = connection.domainEvents('lifecycle');
await domain.suspend();
for (let i = 0; i < 500; i++) domain.info().catch(() => {});
console.log('{}');
`;

const inWorkers = `
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Connection } from 'virtshim';
const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
if (isMainThread) {
  const start = (workerData) => new Worker(new URL(import.meta.url), { workerData });
  for (const kind of ['ends', 'is terminated', 'throws', 'exits']) {
    const worker = start(kind);
    worker.on('error', () => {});
    worker.on('message', () => kind === 'is terminated' && worker.terminate());
    const code = await new Promise((resolve) => worker.on('exit', resolve));
    console.log(JSON.stringify({ [kind]: code }));
  }
  console.log(JSON.stringify({ main: (await domain.info()).state }));
} else {
  const all = Array.from({ length: 100 }, () => domain.info());
  parentPort.postMessage(await domain.name());
  if (workerData === 'throws') throw new Error('as it should');
  if (workerData === 'exits') process.exit(3);
  if (workerData === 'is terminated') setInterval(() => domain.info(), 1);
  await Promise.all(all);
}
`;

const typescript = `
import { Connection, type Domain } from 'virtshim';
const connection: Connection = await Connection.open('test:///default');
const domains: Domain[] = await connection.listAllDomains();
console.log(JSON.stringify({ names: domains.map((domain) => domain.nameSync()) }));
`;

let app: string;
let policy: string;
beforeAll(async () => {
  policy = await noDestroy();
  app = makeApp({
    'everything.mjs': everything,
    'busy.mjs': busy,
    'workers.mjs': inWorkers,
    'typed.ts': typescript,
    'require.cjs': `const { Connection } = require('virtshim');
      console.log(JSON.stringify({ name: Connection.openSync('test:///default').lookupByIDSync(1).nameSync() }));`,
    'import.cjs': `import('virtshim').then(({ Connection }) =>
      console.log(JSON.stringify({ name: Connection.openSync('test:///default').lookupByIDSync(1).nameSync() })));`,
    'parent.mjs': `import { fork } from 'node:child_process';
      const child = fork('child.cjs', [], { execArgv: ['--import', 'virtshim/register'] });
      child.on('message', (message) => { console.log(JSON.stringify(message)); child.disconnect(); });
      child.on('exit', (code) => console.log(JSON.stringify({ code })));
      child.send('go');`,
    'child.cjs': `process.on('message', () => process.send(require('./koffi.cjs')));`,
  });
});

describe.each(nodeVersions)('Node $major', ({ major, program, test }) => {
  const run = (args: readonly string[], options: ShimOptions = {}) =>
    runApp(program, app, args, { policy, timeout: 20_000, ...options });
  const permission = major < 22 ? '--experimental-permission' : '--permission';

  test('low level and high level, sync and async, events, errors and actors', () => {
    const outcome = run(['everything.mjs']);
    expect(outcome).toMatchObject({ status: 0, stderr: '', lines: everythingReported });
    expect(refusals(outcome)).toEqual(['virDomainDestroy no-destroy']);
    expect(outcome.records.filter(({ line }) => line.includes('<asserted actor="alice"/>'))).toHaveLength(2);
  });

  test('the same under virtshim/register', () => {
    const outcome = run(['--import', 'virtshim/register', 'everything.mjs']);
    expect(outcome).toMatchObject({ status: 0, stderr: '', lines: everythingReported });
  });

  test('virtshim/register: other bindings', () => {
    for (const flags of [
      ['--import', 'virtshim/register'],
      ['-r', 'virtshim/register'],
    ]) {
      expect(run([...flags, 'main.cjs']).lines).toMatchObject([{ result: -1 }]);
    }
    expect(run(['main.cjs']).lines).toMatchObject([{ result: 0 }]);
  });

  requireBinding('unraid')('virtshim/register: an addon that was built for another version', () => {
    const outcome = run(['--import', 'virtshim/register', 'unraid.mjs']);
    expect(outcome.lines).toEqual([expect.stringContaining("rule 'no-destroy'")]);
  });

  test('virtshim/register: what --watch starts', () => {
    const flag = major < 22 ? '-r' : '--import';
    const words = ['3', program, flag, 'virtshim/register', '--watch', 'main.cjs'];
    expect(runApp('timeout', app, words, { policy }).lines).toMatchObject([{ result: -1 }]);
  });

  test('virtshim/register: a fork starts anew without losing a message, or is refused', () => {
    const outcome = run(['parent.mjs']);
    if (major < 22) {
      expect(outcome.lines).toEqual([{ code: 1 }]);
      expect(outcome.stderr).toContain(
        "hint: 'leave LD_PRELOAD in the environment that fork gives it, or load it by -r",
      );
    } else {
      expect(outcome.lines).toMatchObject([{ result: -1 }, { code: 0 }]);
    }
  });

  test('CommonJS', () => {
    expect(run(['import.cjs'])).toMatchObject({ status: 0, stderr: '', lines: [{ name: 'test' }] });
    expect(run(['require.cjs'])).toMatchObject({ status: 0, stderr: '', lines: [{ name: 'test' }] });
  });

  if (major >= 24) {
    test('TypeScript as it is', () => {
      expect(run(['typed.ts'])).toMatchObject({ status: 0, stderr: '', lines: [{ names: ['test'] }] });
    });
  }

  describe('ends at once, with calls in flight and listeners', () => {
    const ends = (how: string) => run(['--input-type=module', '-e', `${busy}\n${how}`]);

    test('by itself, once the listeners are gone', () => {
      const outcome = ends(`await events.return?.(); await connection.close();`);
      expect(outcome).toMatchObject({ status: 0, signal: null, stderr: '', lines: [{}] });
    });

    test('by process.exit', () => {
      expect(ends('process.exit(7)')).toMatchObject({ status: 7, signal: null, stderr: '', lines: [{}] });
    });

    test('by process.exit in a listener of exit and in a callback', () => {
      const outcome = ends(`process.on('exit', () => domain.infoSync()); domain.info().then(() => process.exit(8))`);
      expect(outcome).toMatchObject({ status: 8, signal: null, stderr: '' });
    });

    test('by an exception that nobody catches', () => {
      const outcome = ends(`setImmediate(() => { throw new Error('nobody catches') })`);
      expect(outcome).toMatchObject({ status: 1, signal: null });
      expect(outcome.stderr).toContain('Error: nobody catches');
    });

    test('by a rejection that nobody catches', () => {
      const outcome = ends(`connection.lookupByName('missing')`);
      expect(outcome).toMatchObject({ status: 1, signal: null });
      expect(outcome.stderr).toContain("functionName: 'virDomainLookupByName'");
    });

    test('by a signal', () => {
      expect(ends(`process.kill(process.pid, 'SIGTERM')`).signal).toBe('SIGTERM');
    });
  });

  test('worker threads that end, are terminated, throw and exit', () => {
    const outcome = run(['workers.mjs']);
    expect(outcome.stderr).toBe('');
    expect(outcome).toMatchObject({ status: 0, signal: null });
    expect(outcome.lines).toEqual([{ ends: 0 }, { 'is terminated': 1 }, { throws: 1 }, { exits: 3 }, { main: 1 }]);
  });

  describe('the permission model', () => {
    const allowed = [permission, '--allow-fs-read=*', '--allow-addons'];
    const warnings = /^\(.*\n/gm;

    test('with what is needed', () => {
      const outcome = run([...allowed, 'everything.mjs']);
      expect(outcome.lines).toEqual(everythingReported);
      expect([outcome.status, outcome.stderr.replace(warnings, '')]).toEqual([0, '']);
    });

    test('with what is needed, under virtshim/register', () => {
      const outcome = run([...allowed, '--import', 'virtshim/register', 'main.cjs']);
      expect(outcome.lines).toMatchObject([{ result: -1 }]);
    });

    test('without, the error says which flag', () => {
      const outcome = run([permission, '--allow-fs-read=*', 'everything.mjs']);
      expect(outcome).toMatchObject({ status: 1, signal: null, stdout: '' });
      expect(outcome.stderr).toContain("code: 'VIRTSHIM_NATIVE_MISSING'");
      expect(outcome.stderr).toContain('--allow-addons');
    });
  });
});
