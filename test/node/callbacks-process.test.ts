// Listeners and the process: what keeps it alive, how it ends amid events, worker threads that come and go, growth.
import { describe, expect, test } from '@jest/globals';
import { FFI, HOST, OPEN, runListeners, tryListeners } from '../support/listeners.js';

/** Far less than anything that waits for something. */
const AT_ONCE = 8000;

const LISTEN = `
let count = 0;
const listener = (from, dom) => { count += 1; ffi.virDomainFree(dom); };
const id = ffi.virConnectDomainEventRegisterAny(conn, null, 0, listener);
`;

/** Events that do not end: other threads make them. */
const POURING = `
const pour = () => ffi.virDomainSuspend.async(domain).then(() => ffi.virDomainResume.async(domain)).then(pour, () => {});
for (let i = 0; i < 8; i += 1) pour();
await until(() => count > 100);
`;

describe('the process', () => {
  test('stays alive while a listener is registered, and ends when it no longer is', () => {
    const { reports } = runListeners(
      `${OPEN}${LISTEN}
      setTimeout(() => { ffi.virConnectDomainEventDeregisterAny(conn, id); report('gone'); }, 300).unref();
      process.on('exit', () => report('exit'));`,
      { timeout: AT_ONCE },
    );
    expect(reports).toEqual(['gone', 'exit']);
  });

  test('does not stay for a listener that is not to keep it', () => {
    const { reports } = runListeners(`${OPEN}${LISTEN} ffi.unrefListener(listener); report('last line');`, {
      timeout: AT_ONCE,
    });
    expect(reports).toEqual(['last line']);
  });

  test('stays again where that is taken back', () => {
    const { reports } = runListeners(
      `${OPEN}${LISTEN} ffi.unrefListener(listener); ffi.refListener(listener); ffi.refListener(listener);
      setTimeout(() => { report('still there'); ffi.unrefListener(listener); }, 500).unref();`,
      { timeout: AT_ONCE },
    );
    expect(reports).toEqual(['still there']);
  });

  test('does not stay for the event loop alone, for a close listener or for an error listener', () => {
    const { status } = tryListeners(
      `${OPEN} ffi.virConnectRegisterCloseCallback(conn, () => {}); ffi.virSetErrorFunc(() => {});`,
      { timeout: AT_ONCE },
    );
    expect(status).toBe(0);
  });
});

describe('the process ends amid events', () => {
  test.each([
    ['process.exit', 'process.exit(7);', 7],
    [
      'process.exit in a listener',
      `ffi.virConnectDomainEventRegisterAny(conn, null, 0, () => process.exit(6)); await sleep(1e6);`,
      6,
    ],
    ['an uncaught exception', "setImmediate(() => { throw new Error('nobody catches'); }); await sleep(1e6);", 1],
    [
      'what a listener throws',
      "ffi.virConnectDomainEventRegisterAny(conn, null, 0, () => { throw new Error('x'); }); await sleep(1e6);",
      1,
    ],
  ])('by %s', (_, end, status) => {
    for (let i = 0; i < 5; i += 1) {
      const outcome = tryListeners(`${OPEN}${LISTEN}${POURING}${end}`, { timeout: AT_ONCE });
      expect({ status: outcome.status, signal: outcome.signal }).toEqual({ status, signal: null });
    }
  });

  test('by itself, with events that nobody will hear', () => {
    const { status } = tryListeners(
      `${OPEN}${LISTEN} ffi.unrefListener(listener);
      for (let i = 0; i < 500; i += 1) { ffi.virDomainSuspend(domain); ffi.virDomainResume(domain); }`,
      { timeout: AT_ONCE },
    );
    expect(status).toBe(0);
  });
});

test('what one listener throws does not keep the others from being called', () => {
  const { reports } = runListeners(`${OPEN}${LISTEN}
    let caught = 0;
    process.on('uncaughtException', () => { caught += 1; });
    const thrower = ffi.virConnectDomainEventRegisterAny(conn, null, 0, (from, dom) => { ffi.virDomainFree(dom); throw new Error('x'); });
    for (let i = 0; i < 50; i += 1) { ffi.virDomainSuspend(domain); ffi.virDomainResume(domain); }
    await until(() => count === 100 && caught === 100);
    for (const each of [id, thrower]) ffi.virConnectDomainEventDeregisterAny(conn, each);
    report([count, caught]);`);
  expect(reports).toEqual([[100, 100]]);
});

test('events do not keep timers and I/O from their turn', () => {
  const { reports } = runListeners(`${OPEN}${LISTEN}${POURING}
    let turns = 0;
    const timer = setInterval(() => { turns += 1; }, 5);
    const start = performance.now();
    await until(() => turns >= 20);
    report(performance.now() - start < 2000);
    process.exit();`);
  expect(reports).toEqual([true]);
});

describe('worker threads', () => {
  // All connections to test:///default see the same host.
  const OWN_HOST = OPEN.replace('test:///default', HOST);

  const WORKERS = `
    import { Worker } from 'node:worker_threads';
    const source = (body) => \`
      import { parentPort } from 'node:worker_threads';
      import * as ffi from 'file://${FFI}';
      const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const until = async (holds) => { while (!holds()) await sleep(2); };
      \${body}\`;
    const worker = (body) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(source(body))));
    const ended = (one) => new Promise((resolve) => one.once('exit', resolve));
    const said = (one) => new Promise((resolve, reject) => { one.once('message', resolve); one.once('error', reject); });
  `;

  test('hear the events that they listen for, at the same time as the main thread', () => {
    const { reports } = runListeners(`${OPEN}${LISTEN}${WORKERS}
      const hearing = Array.from({ length: 3 }, () => worker(${JSON.stringify(`${OWN_HOST}${LISTEN}
        for (let i = 0; i < 100; i += 1) { ffi.virDomainSuspend(domain); ffi.virDomainResume(domain); }
        await until(() => count === 200);
        ffi.virConnectDomainEventDeregisterAny(conn, id);
        parentPort.postMessage(count);`)}));
      for (let i = 0; i < 100; i += 1) { ffi.virDomainSuspend(domain); ffi.virDomainResume(domain); }
      report(await Promise.all(hearing.map(said)));
      await until(() => count === 200);
      ffi.virConnectDomainEventDeregisterAny(conn, id);`);
    expect(reports).toEqual([[200, 200, 200]]);
  });

  test('are terminated amid events, and the others hear theirs all the same', () => {
    const { reports } = runListeners(
      `${OPEN}${LISTEN}${WORKERS}
      for (let round = 0; round < 10; round += 1) {
        const noisy = worker(${JSON.stringify(`${OWN_HOST}${LISTEN}${POURING}
          parentPort.postMessage('pouring');
          await sleep(1e6);`)});
        await said(noisy);
        await noisy.terminate();
      }
      ffi.virDomainSuspend(domain);
      await until(() => count === 1);
      ffi.virConnectDomainEventDeregisterAny(conn, id);
      report('heard');`,
      { timeout: 60_000 },
    );
    expect(reports).toEqual(['heard']);
  });

  test('that end leave listeners which are called no more', () => {
    const { reports } = runListeners(`${OPEN}${WORKERS}
      const first = worker(${JSON.stringify(`
        const conn = await new Promise((resolve) => parentPort.once('message', resolve));
        ffi.virConnectDomainEventRegisterAny(conn, null, 0, () => {});
        parentPort.postMessage('listening');
        await sleep(1e6);`)});
      first.postMessage(conn);
      await said(first);
      await first.terminate();
      for (let i = 0; i < 100; i += 1) { ffi.virDomainSuspend(domain); ffi.virDomainResume(domain); }
      await sleep(50);
      report('alive');`);
    expect(reports).toEqual(['alive']);
  });
});

describe('the event loop', () => {
  test('is started once, and again after it was stopped', () => {
    const { reports } = runListeners(`${OPEN}${LISTEN}
      import { readdirSync, readFileSync } from 'node:fs';
      const threads = () => readdirSync('/proc/self/task').filter((task) =>
        readFileSync('/proc/self/task/' + task + '/comm', 'utf8') === 'virtshim-events\\n').length;
      report([ffi.startEventLoop(), threads()]);
      ffi.stopEventLoop();
      ffi.stopEventLoop();
      report(threads());
      ffi.virDomainSuspend(domain);
      await sleep(50);
      report(count);
      report([ffi.startEventLoop(), threads()]);
      await until(() => count === 1);
      ffi.virConnectDomainEventDeregisterAny(conn, id);`);
    expect(reports).toEqual([['running', 1], 0, 0, ['running', 1]]);
  });

  test('is left to an implementation that the program has already', () => {
    const { reports } = runListeners(`
      import koffi from 'koffi';
      const calls = [];
      const c = (prototype, f) => koffi.register(f, koffi.pointer(koffi.proto(prototype)));
      ffi.virEventRegisterImpl(
        c('int addHandle(int fd, int event, void *cb, void *opaque, void *ff)', () => calls.push('addHandle')),
        c('void updateHandle(int watch, int event)', () => {}),
        c('int removeHandle(int watch)', () => 0),
        c('int addTimeout(int timeout, void *cb, void *opaque, void *ff)', () => calls.push('addTimeout')),
        c('void updateTimeout(int timer, int timeout)', () => {}),
        c('int removeTimeout(int timer)', () => { calls.push('removeTimeout'); return 0; }),
      );
      report(ffi.startEventLoop());
      report(calls);
      ffi.stopEventLoop();`);
    expect(reports).toEqual(['foreign', ['addTimeout', 'removeTimeout']]);
  });

  test('ends with the process where it cannot be woken', () => {
    const { status } = tryListeners(
      `${OPEN}
      // Everything that libvirt's loop calls waits for a thread that never answers.
      ffi.virEventAddTimeout(0, () => {});
      await sleep(20);
      process.exit(5);`,
      { timeout: AT_ONCE },
    );
    expect(status).toBe(5);
  });
});

test('20,000 registrations leave nothing behind', () => {
  const { reports } = runListeners(
    `${OPEN}
    const round = async (times) => {
      for (let i = 0; i < times; i += 1) {
        const id = ffi.virConnectDomainEventRegisterAny(conn, null, 0, (from, dom) => { ffi.virDomainFree(dom); });
        ffi.virConnectDomainEventDeregisterAny(conn, id);
        if (i % 100 === 0) await sleep(0);
      }
      gc();
      await sleep(50);
      return process.memoryUsage().rss / 1024;
    };
    // Resident memory goes up and down by megabytes; its floor tells.
    const floor = async () => Math.min(await round(3000), await round(3000), await round(3000), await round(3000));
    await round(5000);
    const before = await floor();
    await round(20000);
    report(await floor() - before);`,
    { node: ['--expose-gc', '--max-semi-space-size=1'] },
  );
  expect(reports[0]).toBeLessThan(2000);
});
