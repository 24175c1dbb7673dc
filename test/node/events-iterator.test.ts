// Events of libvirt as iterators: what they tell, in which order, and every way in which they end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runScript, type ScriptOptions, tryScript } from '../support/node_api.js';
import { ROOT } from '../support/paths.js';
import { deny, imageFile, permissiveExcept } from '../support/shim.js';
import { FIXTURES, learningPolicy } from '../support/transparency.js';

const xml = (name: string) => JSON.stringify(readFileSync(join(FIXTURES, 'xml', name), 'utf8'));

const prelude = `
const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
const toggle = async (times) => {
  for (let i = 0; i < times; i++) { await domain.suspend(); await domain.resume(); }
};
const read = async (events, count) => {
  const seen = [];
  for await (const event of events) if (seen.push(event) === count) break;
  return seen;
};
const guest = (name) => \`<domain type='test'><name>\${name}</name><memory>1</memory><os><type>hvm</type></os></domain>\`;
const failureOf = (promise) => promise.then(() => 'none', (error) => error.code ?? error.name);
`;

function run(text: string, options?: ScriptOptions) {
  return runScript(prelude + text, options);
}

/** How often the function was called, and allowed. */
function count(records: ReturnType<typeof runScript>['records'], event: string): number {
  return records.filter((record) => record.root === 'methodresponse' && record.event === event).length;
}

let learning: string;

beforeAll(async () => {
  learning = await learningPolicy();
});

describe('what events tell', () => {
  test('1000 of 1000, in order', () => {
    const { reports } = run(`
      const events = await connection.domainEvents('lifecycle').ready();
      const seen = read(events, 1000);
      await toggle(500);
      const names = (await seen).map(({ eventName }) => eventName);
      report([names.length, names.every((name, i) => name.endsWith(i % 2 ? 'RESUMED' : 'SUSPENDED'))]);
    `);
    expect(reports).toEqual([[1000, true]]);
  });

  test('the life of a guest, with the names of constants, and handles that belong to the reader', () => {
    const { reports } = run(`
      const events = await connection.domainEvents('lifecycle').ready();
      const made = await connection.createXML(guest('new'));
      await made.destroy();
      const [started, stopped] = await read(events, 2);
      report([started.eventName, started.detailName, started.event, started.detail]);
      report([stopped.eventName, stopped.detailName, await stopped.domain.name() === await made.name()]);
      report([started.domain !== made, started.domain.freed, started.domain.connectSync() === connection]);
      await connection.close();
      report(started.domain.nameSync() === made.nameSync());
    `);
    expect(reports).toEqual([
      ['VIR_DOMAIN_EVENT_STARTED', 'VIR_DOMAIN_EVENT_STARTED_BOOTED', 2, 0],
      ['VIR_DOMAIN_EVENT_STOPPED', 'VIR_DOMAIN_EVENT_STOPPED_DESTROYED', true],
      [true, false, true],
      true,
    ]);
  });

  test('of networks, storage pools and node devices', () => {
    const { reports } = run(`
      const networks = await connection.networkEvents('lifecycle').ready();
      const pools = await connection.storagePoolEvents('lifecycle').ready();
      const refreshed = await connection.storagePoolEvents('refresh').ready();
      const devices = await connection.nodeDeviceEvents('lifecycle').ready();
      const network = await connection.networkDefineXML(${xml('network.xml')});
      await network.create();
      await network.destroy();
      await network.undefine();
      const pool = await connection.storagePoolDefineXML(${xml('pool.xml')});
      await pool.create();
      await pool.refresh();
      const device = await connection.nodeDeviceCreateXML(${xml('nodedev.xml')});
      await device.destroy();
      report((await read(networks, 4)).map(({ network, eventName, detail }) => [network.nameSync(), eventName, detail]));
      report((await read(pools, 2)).map(({ pool, eventName, detailName }) => [pool.nameSync(), eventName, detailName]));
      report((await read(refreshed, 1)).map((event) => [Object.keys(event), event.pool.nameSync()]));
      report((await read(devices, 2)).map(({ device, eventName }) => [device.nameSync().slice(0, 9), eventName]));
    `);
    expect(reports).toEqual([
      [
        ['lab', 'VIR_NETWORK_EVENT_DEFINED', 0],
        ['lab', 'VIR_NETWORK_EVENT_STARTED', 0],
        ['lab', 'VIR_NETWORK_EVENT_STOPPED', 0],
        ['lab', 'VIR_NETWORK_EVENT_UNDEFINED', 0],
      ],
      [
        ['shelf', 'VIR_STORAGE_POOL_EVENT_DEFINED', null],
        ['shelf', 'VIR_STORAGE_POOL_EVENT_STARTED', null],
      ],
      [[['pool'], 'shelf']],
      [
        ['scsi_host', 'VIR_NODE_DEVICE_EVENT_CREATED'],
        ['scsi_host', 'VIR_NODE_DEVICE_EVENT_DELETED'],
      ],
    ]);
  });

  test('of one guest alone', () => {
    const { reports } = run(`
      const other = await connection.createXML(guest('b'));
      const events = await connection.domainEvents('lifecycle', { domain: other }).ready();
      await toggle(3);
      await other.suspend();
      report((await read(events, 1)).map(({ domain, eventName }) => [domain.nameSync(), eventName]));
    `);
    expect(reports).toEqual([[['b', 'VIR_DOMAIN_EVENT_SUSPENDED']]]);
  });

  test('readers that come before events get them in their turn', () => {
    const { reports } = run(`
      const events = await connection.domainEvents('lifecycle').ready();
      const waiting = [events.next(), events.next(), events.next()];
      await domain.suspend();
      await domain.resume();
      const [first, second] = await Promise.all(waiting.slice(0, 2));
      report([first.value.eventName, second.value.eventName]);
      await events.return();
      report((await waiting[2]).done);
    `);
    expect(reports).toEqual([['VIR_DOMAIN_EVENT_SUSPENDED', 'VIR_DOMAIN_EVENT_RESUMED'], true]);
  });

  test('the caller of every listener is the actor of its registration', () => {
    const { reports } = runScript(`${prelude}
      const events = virtshim.withActor({ user: 'alice' }, () => connection.watch('domain'));
      let seen = 0;
      virtshim.withActor({ user: 'alice' }, () => {
        events.on('lifecycle', () => { report(virtshim.currentActor()); seen++; });
      });
      await events.ready();
      await domain.suspend();
      await until(() => seen > 0);
      await events.close();
    `);
    expect(reports).toEqual([{ user: 'alice' }]);
  });
});

test('an event that libvirt does not have is refused at once', () => {
  const { reports } = run(`
    for (const name of ['lifecylce', 'toString']) {
      try { connection.domainEvents(name); } catch (error) { report([error.code, error.message]); }
    }
  `);
  expect(reports).toEqual([
    ['VIRTSHIM_ARGUMENT', '`lifecylce` is no event of a domain'],
    ['VIRTSHIM_ARGUMENT', '`toString` is no event of a domain'],
  ]);
});

describe('how a stream of events ends', () => {
  test('out of the loop: libvirt is told, and the process ends by itself', () => {
    const { reports, records } = run(
      `
      const events = await connection.domainEvents('lifecycle').ready();
      await toggle(1);
      for await (const event of events) break;
      report((await events.next()).done);
      for await (const event of events) report('not read any more');
      await toggle(1);
      report((await events.next()).done);
      `,
      { policy: learning },
    );
    expect(reports).toEqual([true, true]);
    expect(count(records, 'virConnectDomainEventRegisterAny')).toBe(1);
    expect(count(records, 'virConnectDomainEventDeregisterAny')).toBe(1);
    expect(count(records, 'virConnectUnregisterCloseCallback')).toBe(1);
  });

  test.each([
    ['await using', '{ await using events = await connection.domainEvents("lifecycle").ready(); }'],
    ['return', 'const events = await connection.domainEvents("lifecycle").ready(); await events.return();'],
    ['return at once', 'await connection.domainEvents("lifecycle").return();'],
    [
      'a throw in the loop',
      `const events = await connection.domainEvents("lifecycle").ready();
       await toggle(1);
       try { for await (const event of events) throw new Error('mine'); } catch (error) { assert.equal(error.message, 'mine'); }`,
    ],
  ])('by %s', (_, text) => {
    const supported = text.replace(
      /\{ await using (\w+) = (.*?); \}/,
      'const $1 = $2; await $1[Symbol.asyncDispose]();',
    );
    const { records } = run(supported, { policy: learning });
    expect(count(records, 'virConnectDomainEventRegisterAny')).toBe(1);
    expect(count(records, 'virConnectDomainEventDeregisterAny')).toBe(1);
  });

  test('by its signal: what is unread is dropped, next() rejects as with Node', () => {
    const { reports, records } = run(
      `
      const controller = new AbortController();
      const { signal } = controller;
      const events = await connection.domainEvents('lifecycle', { signal }).ready();
      await toggle(2);
      await sleep(20);
      controller.abort();
      report([await failureOf(events.next()), (await events.next()).done]);
      const waiting = connection.domainEvents('lifecycle', { signal: AbortSignal.timeout(30) });
      report(await failureOf((async () => { for await (const event of waiting) report(event); })()));
      const late = connection.domainEvents('lifecycle', { signal });
      report([await failureOf(late.ready()), await failureOf(late.next()), (await late.next()).done]);
      `,
      { policy: learning },
    );
    expect(reports).toEqual([[20, true], 23, [20, 20, true]]);
    expect(count(records, 'virConnectDomainEventRegisterAny')).toBe(2);
    expect(count(records, 'virConnectDomainEventDeregisterAny')).toBe(2);
  });

  test('by closing the connection: what has come can still be read, then it is over', () => {
    const { reports, records } = run(
      `
      const events = await connection.domainEvents('lifecycle').ready();
      const others = await connection.networkEvents('lifecycle').ready();
      const waiting = others.next();
      await toggle(1);
      await sleep(500);
      await connection.close();
      report((await waiting).done);
      const seen = [];
      for await (const event of events) seen.push(event.eventName);
      report(seen);
      report(await failureOf((async () => connection.domainEvents('lifecycle').ready())()));
      `,
      { policy: learning },
    );
    expect(reports).toEqual([true, ['VIR_DOMAIN_EVENT_SUSPENDED', 'VIR_DOMAIN_EVENT_RESUMED'], 'VIRTSHIM_CLOSED']);
    expect(count(records, 'virConnectDomainEventDeregisterAny')).toBe(1);
    expect(count(records, 'virConnectNetworkEventDeregisterAny')).toBe(1);
    const closes = records.filter(({ root, event }) => root === 'methodresponse' && event === 'virConnectClose');
    expect(closes.length).toBe(1);
  });

  test('by freeing the connection at once', () => {
    const { reports } = run(`
      const events = await connection.domainEvents('lifecycle').ready();
      connection.closeSync();
      report((await events.next()).done);
    `);
    expect(reports).toEqual([true]);
  });

  test('by a reader that is too slow: what was kept is read, then it fails', () => {
    const { reports, records } = run(
      `
      const events = await connection.domainEvents('lifecycle', { limit: 5 }).ready();
      // Told later than the reader: once it has heard of all, so has the reader.
      let told = 0;
      const watcher = await connection.watch('domain').on('lifecycle', () => told++).ready();
      await toggle(10);
      await until(() => told >= 20);
      await watcher.close();
      let seen = 0;
      const error = await (async () => { for await (const event of events) seen++; })().catch((error) => error);
      report([seen, error instanceof VirtshimError, error.code, error.message, (await events.next()).done]);
      for (const limit of [0, 1.5, Number.NaN, '7']) {
        try { connection.domainEvents('lifecycle', { limit }); } catch (error) { report(error.code); }
      }
      `,
      { policy: learning },
    );
    const [first, ...others] = reports;
    expect(first).toEqual([
      5,
      true,
      'VIRTSHIM_SLOW_READER',
      'more than 5 events were unread: later ones are missing',
      true,
    ]);
    expect(others).toEqual(Array.from({ length: 4 }, () => 'VIRTSHIM_ARGUMENT'));
    // The reader's, and that of the watcher beside it.
    expect(count(records, 'virConnectDomainEventDeregisterAny')).toBe(2);
  });

  test("by a policy's refusal, which next() and ready() report", async () => {
    const policy = await imageFile(permissiveExcept([deny('no-events', ['virConnectDomainEventRegisterAny'])]));
    const { reports } = run(
      `
      const events = connection.domainEvents('lifecycle');
      const error = await events.ready().catch((error) => error);
      report([error instanceof PolicyDeniedError, error.rule]);
      report(await events.next().catch((error) => error instanceof PolicyDeniedError));
      report((await events.next()).done);
      await connection.close();
      `,
      { policy },
    );
    expect(reports).toEqual([[true, 'no-events'], true, true]);
  });
});

describe('the process', () => {
  test('lives as long as a stream of events is open', () => {
    const { status } = tryScript(`${prelude}
      await connection.domainEvents('lifecycle').ready();
      setTimeout(() => process.exit(7), 500).unref();
    `);
    expect(status).toBe(7);
  });

  test.each([
    ['one that is unreferenced', `(await connection.domainEvents('lifecycle').ready()).unref();`],
    ['one that is unreferenced at once', `connection.domainEvents('lifecycle').unref();`],
    ['one of closing that is unreferenced', `(await connection.closeEvents().ready()).unref();`],
    ['a watcher that is unreferenced', `await connection.watch('domain').on('lifecycle', () => {}).unref().ready();`],
  ])('ends with %s', (_, text) => {
    expect(run(text).status).toBe(0);
  });

  test('ends at once by process.exit, while events come', () => {
    const { status } = tryScript(`${prelude}
      await connection.domainEvents('lifecycle').ready();
      await connection.watch('domain').on('lifecycle', () => {}).ready();
      toggle(1e6).catch(() => {});
      setTimeout(() => process.exit(7), 200);
    `);
    expect(status).toBe(7);
  });

  test('ends by an exception that nobody catches', () => {
    const outcome = tryScript(`${prelude}
      await connection.watch('domain').on('lifecycle', () => { throw new Error('mine'); }).ready();
      await domain.suspend();
      await sleep(5_000);
    `);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain('mine');
  });

  test('goes on when worker threads end amid events, by themselves or not', () => {
    const { reports } = run(`
      const { Worker } = await import('node:worker_threads');
      const text = \`
        import { parentPort, workerData } from 'node:worker_threads';
        const { Connection } = await import(workerData.url);
        const connection = await Connection.open('test:///default');
        const domain = await connection.lookupByName('test');
        const events = await connection.domainEvents('lifecycle').ready();
        await connection.watch('domain').on('lifecycle', () => {}).ready();
        const ignore = () => {}; // threads share the driver's state
        (async () => { for (;;) { await domain.suspend().catch(ignore); await domain.resume().catch(ignore); } })();
        let seen = 0;
        for await (const event of events) {
          if (++seen !== 200) continue;
          if (workerData.ends) process.exit();
          parentPort.postMessage('seen');
        }
      \`;
      const url = '${pathToFileURL(join(ROOT, 'dist/index.js'))}';
      const start = (ends) => new Worker(text, { eval: true, workerData: { url, ends } });
      for (let i = 0; i < 3; i++) {
        const [ending, ended] = [start(true), start(false)];
        const terminated = new Promise((resolve) => {
          ended.once('message', () => ended.terminate().then(resolve));
        });
        await Promise.all([new Promise((resolve) => ending.once('exit', resolve)), terminated]);
      }
      await domain.resume().catch(() => {});
      const events = await connection.domainEvents('lifecycle').ready();
      await toggle(1);
      report((await read(events, 2)).length);
    `);
    expect(reports).toEqual([2]);
  });

  test('is not held up: timers run while 10,000 events come', () => {
    const { reports } = run(`
      const events = await connection.domainEvents('lifecycle', { limit: 20_000 }).ready();
      let ticks = 0;
      const timer = setInterval(() => ticks++, 5);
      const making = toggle(5_000);
      report((await read(events, 10_000)).length);
      await making;
      clearInterval(timer);
      report(ticks > 20);
    `);
    expect(reports).toEqual([10_000, true]);
  });

  test('keeps nothing of events that were read: handles are given back', () => {
    const { reports } = run(
      `
      const events = await connection.domainEvents('lifecycle').ready();
      const loop = (async () => { for await (const event of events) void event; })();
      const collected = [];
      const registry = new FinalizationRegistry(() => collected.push(1));
      const watcher = connection.watch('domain').on('lifecycle', ({ domain }) => registry.register(domain));
      await watcher.ready();
      await toggle(500);
      await sleep(20);
      for (let i = 0; i < 50 && collected.length < 900; i++) { gc(); await sleep(20); }
      report(collected.length >= 900);
      await watcher.close();
      await connection.close();
      await loop;
      `,
      { node: ['--expose-gc'] },
    );
    expect(reports).toEqual([true]);
  });
});
