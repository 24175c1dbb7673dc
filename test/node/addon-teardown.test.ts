// How a process and its worker threads end while calls of the addon are under way: at once, and without a crash.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PRELUDE, runAddon, tryAddon } from '../support/addon_calls.js';
import { temporaryFolder } from '../support/paths.js';
import { TESTED_SHIM } from '../support/shim.js';

/** Far less than a call to a silent server takes. */
const AT_ONCE = 5000;

const OPEN = `
const connection = await call('virConnectOpen', 'test:///default');
const domain = await call('virDomainLookupByName', connection, 'test');`;

/** Calls that block for ever on `server`, more than there are threads, and short ones behind them. */
const IN_FLIGHT = `
const server = await silentServer();
for (let i = 0; i < 20; i += 1) call('virConnectOpen', server.uri).catch(() => {});
for (let i = 0; i < 20; i += 1) ordered(5n, 'virConnectOpen', server.uri).catch(() => {});
await until(() => server.waiting() === 16);`;

/** Calls that go on and on, so that some are always about to come back. */
const BUSY = `
const info = () => call('virDomainGetInfo', domain, new Uint8Array(40)).then(info, () => {});
for (let i = 0; i < 32; i += 1) info();`;

describe('the process ends', () => {
  test.each([
    ['process.exit', 'process.exit(7);', 7],
    ['an uncaught exception', "setImmediate(() => { throw new Error('nobody catches'); }); await sleep(1e6);", 1],
    ['an unhandled rejection', "Promise.reject(new Error('nobody catches')); await sleep(1e6);", 1],
    ['process.exit in an exit listener', "process.on('exit', () => { info(); process.exit(8); }); process.exit(7);", 8],
  ])('%s, with calls in flight', (_, end, status) => {
    for (let i = 0; i < 5; i += 1) {
      const outcome = tryAddon(`${OPEN}${IN_FLIGHT}${BUSY}${end}`, { timeout: AT_ONCE });
      expect({ status: outcome.status, signal: outcome.signal }).toEqual({ status, signal: null });
    }
  });

  test('process.exit amid short calls, at any moment', () => {
    for (let i = 0; i < 20; i += 1) {
      const { status } = tryAddon(`${OPEN}${BUSY}await sleep(${i}); process.exit(3);`, { timeout: AT_ONCE });
      expect(status).toBe(3);
    }
  });

  test('a signal ends a process whose calls block', () => {
    const { signal } = tryAddon(`${OPEN}${IN_FLIGHT}process.kill(process.pid, 'SIGTERM'); await sleep(1e6);`, {
      timeout: AT_ONCE,
    });
    expect(signal).toBe('SIGTERM');
  });

  test('not before a call that is under way has ended, and then by itself', () => {
    const { reports } = runAddon(
      `const server = await silentServer();
      // Nothing else keeps the process alive.
      addon.callAsync(id.virConnectOpen, [server.uri], null, (result, error) => report([result, error.code]));
      await until(() => server.waiting() === 1);
      setTimeout(() => server.hangUp(), 300).unref();
      process.on('exit', () => report('exit'));`,
      { timeout: AT_ONCE },
    );
    expect(reports).toEqual([[null, expect.any(Number)], 'exit']);
  });

  test('at once where calls were made and none is under way', () => {
    const { status } = tryAddon(OPEN, { timeout: AT_ONCE });
    expect(status).toBe(0);
  });
});

test('what one listener throws does not keep the others from being called', () => {
  const { reports } = runAddon(`${OPEN}
    let caught = 0;
    process.on('uncaughtException', () => { caught += 1; });
    let called = 0;
    for (let i = 0; i < 100; i += 1) {
      addon.callAsync(id.virDomainGetName, [domain], null, () => { called += 1; if (i % 2 === 0) throw new Error('x'); });
    }
    await until(() => called === 100 && caught === 50);
    report([called, caught]);`);
  expect(reports).toEqual([[100, 50]]);
});

describe('worker threads', () => {
  const WORKERS = `
    const { Worker } = require('node:worker_threads');
    const worker = (body) => new Worker(${JSON.stringify(PRELUDE)} +
      "const { parentPort } = require('node:worker_threads'); (async () => {" + body + '})();', { eval: true });
    const event = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));`;

  test('have calls of their own; each gets its own answers', () => {
    const { reports } = runAddon(`${OPEN}${WORKERS}
      const body = ${JSON.stringify(`${OPEN}
        let right = 0;
        for (let i = 0; i < 300; i += 1) {
          const mark = 'none' + process.pid + 'x' + require('node:worker_threads').threadId + 'x' + i;
          const error = await call('virDomainDefineXML', connection, '<' + mark + '/>').catch((error) => error);
          right += error.message.includes(mark);
        }
        parentPort.postMessage(right);`)};
      report(await Promise.all([1, 2, 3, 4].map(() => event(worker(body), 'message'))));`);
    expect(reports).toEqual([[300, 300, 300, 300]]);
  });

  test('can be terminated with calls in flight, blocked ones and short ones', () => {
    const { reports } = runAddon(
      `${OPEN}${WORKERS}
      const server = await silentServer();
      const body = 'const uri = ' + JSON.stringify(server.uri) + ';' + ${JSON.stringify(`${OPEN}${BUSY}
        call('virConnectOpen', uri).catch(() => {});
        parentPort.postMessage(1);`)};
      for (let i = 0; i < 12; i += 1) {
        const one = worker(body);
        await event(one, 'message');
        await until(() => server.waiting() > i);
        await one.terminate();
        report(await call('virDomainGetName', domain));
      }
      server.hangUp();
      // The calls of those who have gone end now.
      await until(() => callThreads() === 0);`,
      { timeout: 30_000 },
    );
    expect(reports).toEqual(Array(12).fill('test'));
  });

  test('can exit, throw, and be terminated at any moment', () => {
    const { reports } = runAddon(
      `${OPEN}${WORKERS}
      const ends = ['process.exit(0)', 'throw new Error("x")', 'await sleep(1e6)'];
      for (let i = 0; i < 30; i += 1) {
        const one = worker(${JSON.stringify(OPEN + BUSY)} + 'parentPort.postMessage(1);await sleep(' + (i % 5) + ');' + ends[i % 3]);
        one.on('error', () => {});
        await event(one, 'message');
        await sleep(i % 7);
        await one.terminate();
      }
      report(await call('virDomainGetName', domain));`,
      { timeout: 60_000 },
    );
    expect(reports).toEqual(['test']);
  });

  test('process.exit in one of them does not wait for its blocked calls', () => {
    const { reports } = runAddon(
      `${WORKERS}
      const server = await silentServer();
      const one = worker('call("virConnectOpen", ' + JSON.stringify(server.uri) + '); await sleep(200); process.exit(4);');
      report(await event(one, 'exit'));
      server.hangUp();`,
      { timeout: AT_ONCE },
    );
    expect(reports).toEqual([4]);
  });
});

describe('the shim', () => {
  const MAPPED = `report([...new Set(readFileSync('/proc/self/maps', 'utf8').match(/\\S*libvirtshim.so$/gm))]);`;

  test('that LD_PRELOAD brought is the one that is called, wherever it lies', () => {
    const copy = join(temporaryFolder('copy'), 'libvirtshim.so');
    copyFileSync(TESTED_SHIM, copy);
    const { reports, records } = runAddon(`${OPEN}await call('virDomainSuspend', domain);${MAPPED}`, {
      env: { LD_PRELOAD: copy },
    });
    expect(reports).toEqual([[copy]]);
    expect(records.filter((record) => record.event === 'virDomainSuspend')).toHaveLength(2);
  });

  test('is loaded once, and records the calls of threads as those of the program', () => {
    const { reports, records } = runAddon(`addon.attach('/nonexistent');
      ${OPEN}await call('virDomainSuspend', domain);${MAPPED}`);
    expect(reports).toEqual([[TESTED_SHIM]]);
    expect(records.filter((record) => record.event === 'virDomainSuspend')).toHaveLength(2);
  });
});
