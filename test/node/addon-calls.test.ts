// The addon's asynchronous calls: results, errors, order, memory that C writes to, what it refuses to call with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseRecord } from '../../src/trail/index.js';
import { runAddon } from '../support/addon_calls.js';

const OPEN = `
const connection = await call('virConnectOpen', 'test:///default');
const domain = await call('virDomainLookupByName', connection, 'test');`;

describe('results', () => {
  test('of each kind come as JavaScript has them', () => {
    const { reports } = runAddon(`${OPEN}
      report(typeof domain);
      report(await call('virDomainGetName', domain));
      report(await call('virDomainIsActive', domain));
      report(await call('virDomainGetMaxMemory', domain));
      report((await call('virDomainGetXMLDesc', domain, 0)).startsWith('<domain'));
      report(await call('virDomainGetID', domain));
      report((await call('virFreeError', null)) === undefined);`);
    expect(reports).toEqual(['bigint', 'test', 1, 8388608, true, 1, true]);
  });

  test('an unsigned result is not negative, a 64-bit one not rounded', () => {
    const { reports } = runAddon(`${OPEN}
      await call('virDomainShutdown', domain);
      const info = new Uint8Array(40);
      report(await call('virDomainGetID', domain));
      report(await call('virNodeGetFreeMemory', connection));
      const params = new Uint8Array(new BigUint64Array(1).buffer);
      const count = new Uint8Array(new Int32Array(1).buffer);
      const max = new Uint8Array(new Int32Array(1).buffer);
      await call('virTypedParamsAddULLong', params, count, max, 'big', 2n ** 64n - 1n);
      const list = new BigUint64Array(params.buffer)[0];
      const value = new BigUint64Array(1);
      report(await call('virTypedParamsGetULLong', list, 1, 'big', new Uint8Array(value.buffer)));
      report(value[0]);
      await call('virTypedParamsFree', list, 1);`);
    expect(reports).toEqual([4294967295, expect.any(Number), 1, '18446744073709551615n']);
  });

  test('NULL is null, as argument and as result', () => {
    const { reports } = runAddon(`
      const connection = await call('virConnectOpen', 'test:///default');
      report(await call('virConnectGetType', connection));
      await call('virConnectGetType', null).catch((error) => report([error.result, error.native.code]));`);
    // 6: VIR_ERR_INVALID_CONN
    expect(reports).toEqual(['TEST', [null, 6]]);
  });
});

describe('errors', () => {
  test('100 mixed calls at once, 20 times over: each failure is its own, each success is none', () => {
    const { reports } = runAddon(`${OPEN}
      let failures = 0;
      const one = async (round, i) => {
        if (i % 3 === 0) return assert.equal(await call('virDomainGetName', domain), 'test');
        const mark = 'none' + round + 'x' + i;
        const failing = i % 3 === 1
          ? call('virConnectOpen', 'qemu+unix:///system?socket=/' + mark)
          : call('virDomainDefineXML', connection, '<' + mark + '/>');
        const error = await failing.then(() => assert.fail('succeeded'), (error) => error.native);
        failures += 1;
        assert.ok(error.message.includes(mark), error.message + ' of ' + mark);
      };
      for (let round = 0; round < 20; round += 1) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => one(round, i)));
      }
      report(failures);`);
    expect(reports).toEqual([20 * 66]);
  });

  test('have all of their fields, and libvirt prints none', () => {
    const { reports, stderr } = runAddon(`${OPEN}
      await call('virDomainLookupByName', connection, 'nobody').catch((error) => report(error.native));`);
    expect(reports).toEqual([
      {
        ...{ code: 42, domain: 12, level: 2, message: 'Domain not found' },
        ...{ str1: 'Domain not found', str2: null, str3: null, int1: -1, int2: -1 },
      },
    ]);
    expect(stderr).toBe('');
  });

  test('a helper that fails without an error does not show that of the call before', () => {
    const { reports } = runAddon(`
      addon.setThreads(1);
      await call('virConnectOpen', 'qemu+unix:///system?socket=/none').catch((error) => report(error.native.code));
      addon.callAsync(id.virEventRemoveHandle, [12345], null, (result, error) => report([result, error]));`);
    // 38: VIR_ERR_SYSTEM_ERROR
    expect(reports).toEqual([38, [-1, null]]);
  });

  test('lastError is that of the JavaScript thread: calls on other threads leave it alone', () => {
    const { reports } = runAddon(`
      report(addon.lastError());
      await call('virConnectOpen', 'nothing:///').catch(() => {});
      report(addon.lastError());`);
    expect(reports).toEqual([null, null]);
  });
});

describe('order', () => {
  test('calls of one order run one after the other, as they were asked for', () => {
    const { reports } = runAddon(`${OPEN}
      const ended = [];
      const calls = Array.from({ length: 2000 }, (_, i) =>
        ordered(domain, i % 2 === 0 ? 'virDomainSuspend' : 'virDomainResume', domain).then(() => ended.push(i)));
      // Others of all kinds run between them.
      for (let i = 0; i < 500; i += 1) calls.push(call('virDomainGetXMLDesc', domain, 0));
      await Promise.all(calls);
      report(ended.every((value, i) => value === i) && ended.length);`);
    expect(reports).toEqual([2000]);
  });

  test('a call that blocks holds up its own order only', () => {
    const { reports } = runAddon(`${OPEN}
      const server = await silentServer();
      const blocked = ordered(7n, 'virConnectOpen', server.uri).catch(() => report('blocked one ended'));
      const behind = ordered(7n, 'virDomainGetName', domain).then(() => report('behind it'));
      await ordered(8n, 'virDomainGetName', domain);
      await call('virDomainGetName', domain);
      await until(() => server.waiting() === 1);
      await sleep(50);
      report('others');
      server.hangUp();
      await Promise.all([blocked, behind]);`);
    expect(reports).toEqual(['others', 'blocked one ended', 'behind it']);
  });
});

describe('threads', () => {
  const BLOCK = `
    const server = await silentServer();
    const open = () => call('virConnectOpen', server.uri).catch(() => {});`;

  test('are as many as calls block, 16 at most; short calls get by', () => {
    const { reports } = runAddon(`${OPEN}${BLOCK}
      const calls = Array.from({ length: 20 }, open);
      await until(() => server.waiting() === 16);
      await sleep(100);
      report([server.waiting(), callThreads()]);
      server.hangUpOne();
      await until(() => server.waiting() === 16);
      server.hangUp();
      await Promise.all(calls);
      report(await call('virDomainGetName', domain));`);
    expect(reports).toEqual([[16, 16], 'test']);
  });

  test('their number can be set', () => {
    const { reports } = runAddon(`${BLOCK}
      addon.setThreads(2);
      const calls = Array.from({ length: 5 }, open);
      await until(() => server.waiting() === 2);
      await sleep(100);
      report([server.waiting(), callThreads()]);
      addon.setThreads(4);
      calls.push(open());
      await until(() => server.waiting() >= 3);
      server.hangUp();
      await Promise.all(calls);`);
    expect(reports).toEqual([[2, 2]]);
  });

  test('a short call does not wait behind a function that was short so far and now blocks', () => {
    const { reports } = runAddon(`${OPEN}${BLOCK}
      for (let i = 0; i < 200; i += 1) await call('virConnectClose', await call('virConnectOpen', 'test:///default'));
      addon.setThreads(3);
      const blocked = [open(), open()];
      await until(() => server.waiting() === 2);
      const start = Date.now();
      await Promise.all(Array.from({ length: 1000 }, () => call('virDomainGetName', domain)));
      report(Date.now() - start < 5000);
      server.hangUp();
      await Promise.all(blocked);`);
    expect(reports).toEqual([true]);
  });

  test('end when they have nothing to do, and come back', () => {
    const { reports } = runAddon(`${OPEN}
      await Promise.all(Array.from({ length: 64 }, () => call('virDomainGetXMLDesc', domain, 0)));
      report(callThreads() > 0);
      await until(() => callThreads() === 0);
      report(await call('virDomainGetName', domain));`);
    expect(reports).toEqual([true, 'test']);
  });

  test('have room on their stacks for what libvirt does, and see no signals', () => {
    const { reports } = runAddon(`${OPEN}
      const tasks = readdirSync('/proc/self/task').map((task) => readFileSync('/proc/self/task/' + task + '/status', 'utf8'));
      const ours = tasks.filter((status) => status.startsWith('Name:\\tvirtshim-call\\n'));
      const blocked = ours.map((status) => BigInt('0x' + /SigBlk:\\s*(\\w+)/.exec(status)[1]));
      // SIGHUP, SIGINT, SIGTERM, SIGCHLD
      report(blocked.every((set) => [1n, 2n, 15n, 17n].every((signal) => (set >> (signal - 1n)) & 1n)));
      const xml = await call('virDomainGetXMLDesc', domain, 0);
      const other = xml.replace('<name>test<', '<name>other<').replace(/<uuid>.*?<.uuid>/, '');
      const defined = await call('virDomainDefineXML', connection, other);
      report((await call('virDomainGetXMLDesc', defined, 0)).includes('<name>other<'));`);
    expect(reports).toEqual([true, true]);
  });
});

describe('memory', () => {
  test('what C writes is in the array when the call is done, also where nothing but the call keeps the array', () => {
    const { reports } = runAddon(
      `${OPEN}
      const expected = new Uint8Array(40);
      await call('virDomainGetInfo', domain, expected);
      let right = 0;
      for (let round = 0; round < 50; round += 1) {
        await Promise.all(Array.from({ length: 64 }, async () => {
          const info = Buffer.alloc(40);
          const offset = new Uint8Array(new ArrayBuffer(100), 30, 40);
          await Promise.all([call('virDomainGetInfo', domain, info), call('virDomainGetInfo', domain, offset)]);
          // The last 8 bytes are the time of the processor, which goes on.
          right += info.compare(expected, 0, 32, 0, 32) === 0 && Buffer.from(offset).compare(expected, 0, 32, 0, 32) === 0;
          assert.equal(new Uint8Array(offset.buffer).subarray(0, 30).every((byte) => byte === 0), true);
        }));
        globalThis.gc();
      }
      report(right);`,
      { node: ['--expose-gc'] },
    );
    expect(reports).toEqual([50 * 64]);
  });

  test("a list with its strings in one array is C's own from the moment of the call", () => {
    const { reports } = runAddon(`${OPEN}
      const koffi = require('koffi');
      const xml = Buffer.from('<cpu><arch>x86_64</arch><model>qemu64</model></cpu>\\0');
      const list = new Uint8Array(new ArrayBuffer(16 + xml.length));
      new BigUint64Array(list.buffer, 0, 2)[0] = koffi.address(list) + 16n;
      list.set(xml, 16);
      const server = await silentServer();
      const blocked = ordered(7n, 'virConnectOpen', server.uri).catch(() => {});
      const waiting = ordered(7n, 'virConnectBaselineCPU', connection, list, 1, 0);
      list.fill(0, 16);
      await until(() => server.waiting() === 1);
      server.hangUp();
      await blocked;
      report((await waiting).includes('<model fallback=\\'forbid\\'>qemu64</model>') || (await waiting));
      assert.ok(list.length > 0);`);
    expect(reports).toEqual([true]);
  });

  test('an array that is given away or cut short while a call is in flight does no harm', () => {
    const { reports } = runAddon(
      `${OPEN}
      for (let i = 0; i < 300; i += 1) {
        const moved = new Uint8Array(40);
        const shrunk = new ArrayBuffer(4096, { maxByteLength: 8192 });
        const calls = [call('virDomainGetInfo', domain, moved), call('virDomainGetInfo', domain, new Uint8Array(shrunk))];
        structuredClone(moved, { transfer: [moved.buffer] });
        shrunk.resize(i % 2 === 0 ? 8 : 8192);
        globalThis.gc();
        assert.deepEqual(await Promise.all(calls), [0, 0]);
      }
      report('alive');`,
      { node: ['--expose-gc'] },
    );
    expect(reports).toEqual(['alive']);
  });

  test('what libvirt allocates can be read and freed', () => {
    const { reports } = runAddon(`
      const connection = await call('virConnectOpen', 'test:///default');
      const list = new BigUint64Array(1);
      const count = await call('virConnectListAllDomains', connection, new Uint8Array(list.buffer), 0);
      const domains = addon.readPointers(list[0], count);
      report(count);
      report(addon.readPointer(list[0]) === domains[0] && addon.readPointer(list[0] + 8n * BigInt(count)) === null);
      report(new BigUint64Array(addon.readMemory(list[0], 8).buffer)[0] === domains[0]);
      report(await call('virDomainGetName', domains[0]));
      for (const domain of domains) await call('virDomainFree', domain);
      addon.free(list[0]);
      addon.free(null);
      report([addon.readString(null), addon.readPointer(null), addon.readPointers(null, 0), addon.readMemory(null, 0).length]);`);
    expect(reports).toEqual([1, true, true, 'test', [null, null, [], 0]]);
  });
});

test('a call is made for the actor that was set when it was asked for', () => {
  const { trail } = runAddon(`${OPEN}
    addon.setActor('alice', 'shop', null);
    const calls = [ordered(1n, 'virDomainSuspend', domain)];
    addon.setActor(null, null, 'ticket 4711');
    calls.push(ordered(1n, 'virDomainResume', domain));
    addon.setActor(null, null, null);
    calls.push(ordered(1n, 'virDomainSuspend', domain));
    await Promise.all(calls);
    // The threads keep nothing of it.
    await Promise.all(Array.from({ length: 40 }, () => call('virDomainSetMemory', domain, 1024)));`);
  const asserted = readFileSync(join(trail, 'trail.xml'), 'utf8')
    .trim()
    .split('\n')
    .map(parseRecord)
    .filter(({ type, event }) => type === 'methodresponse' && event !== 'virConnectOpen')
    .map(({ event, asserted }) => [event, asserted]);
  expect(asserted).toEqual([
    ['virDomainSuspend', { actor: 'alice', via: 'shop' }],
    ['virDomainResume', { reason: 'ticket 4711' }],
    ['virDomainSuspend', undefined],
    ...Array(40).fill(['virDomainSetMemory', undefined]),
  ]);
});

test('what cannot be called is refused with a TypeError that says why, and nothing stays in flight', () => {
  const { reports } = runAddon(`${OPEN}
    const no = () => assert.fail('was called');
    const attempt = (...args) => { try { addon.callAsync(...args); report('called'); } catch (error) { report(String(error)); } };
    for (const bad of [-1, 568, 1.5, NaN, '3', null]) attempt(bad, [], null, no);
    attempt(id.virDomainGetName, [], null, no);
    attempt(id.virDomainGetName, 'domain', null, no);
    attempt(id.virDomainGetName, [1], null, no);
    attempt(id.virDomainGetName, [-1n], null, no);
    attempt(id.virDomainGetName, [2n ** 64n], null, no);
    attempt(id.virDomainGetName, [undefined], null, no);
    attempt(id.virDomainGetName, [domain], 7, no);
    attempt(id.virDomainGetName, [domain], null, null);
    attempt(id.virDomainGetXMLDesc, [domain, 0.5], null, no);
    attempt(id.virDomainGetXMLDesc, [domain, 2n ** 64n], null, no);
    attempt(id.virDomainGetXMLDesc, [domain, null], null, no);
    attempt(id.virDomainLookupByName, [connection, 'a\\0b'], null, no);
    attempt(id.virDomainGetInfo, [domain, new Uint16Array(20)], null, no);
    attempt(id.virDomainGetInfo, [domain, {}], null, no);
    for (const bad of [0, 1.5e9, '4', NaN]) try { addon.setThreads(bad); report('set'); } catch (error) { report(String(error)); }
    try { addon.readMemory(null, 8); } catch (error) { report(String(error)); }
    try { addon.readString(8); } catch (error) { report(String(error)); }`);
  const pointer = 'a pointer (bigint), a string, a Uint8Array or null';
  const integer = 'an integer (number or bigint)';
  expect(reports).toEqual(
    [
      ...Array(6).fill('`id` must be the id of a libvirt function'),
      'virDomainGetName takes 1 argument, not 0',
      '`args` must be an array',
      ...Array(4).fill(`\`domain\` of virDomainGetName must be ${pointer}`),
      '`order` must be a pointer (bigint) or null',
      '`done` must be a function',
      ...Array(3).fill(`\`flags\` of virDomainGetXMLDesc must be ${integer}`),
      '`name` of virDomainLookupByName must not contain a NUL character',
      ...Array(2).fill(`\`info\` of virDomainGetInfo must be ${pointer}`),
      ...Array(4).fill('`max` must be a number of threads from 1 to 1024'),
      '`size` must be a whole number that fits into memory',
      '`pointer` must be a pointer (bigint) or null',
    ].map((message) => `TypeError: ${message}`),
  );
});
