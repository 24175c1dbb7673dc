// libvirt's events in JavaScript, over the test driver: all of them, in order, until the listener is taken away.
import { describe, expect, test } from '@jest/globals';
import { OPEN, runListeners } from '../support/listeners.js';

describe('lifecycle events', () => {
  test('1000 of 1000 of a domain, each in its place', () => {
    const { reports } = runListeners(`${OPEN}
      const seen = [];
      const id = ffi.virConnectDomainEventRegisterAny(conn, null, 0, (from, dom, event, detail) => {
        seen.push([from === conn, ffi.virDomainGetName(dom), event, detail]);
        ffi.virDomainFree(dom);
      });
      for (let i = 0; i < 500; i += 1) { ffi.virDomainSuspend(domain); ffi.virDomainResume(domain); }
      await until(() => seen.length >= 1000);
      await sleep(50);
      report(seen.length);
      report([...new Set(seen.map((one) => JSON.stringify(one)))]);
      report(seen.every(([, , event], i) => event === (i % 2 === 0 ? 3 : 4)));
      ffi.virConnectDomainEventDeregisterAny(conn, id);`);
    expect(reports).toEqual([1000, ['[true,"test",3,0]', '[true,"test",4,0]'], true]);
  });

  test('of domains that come and go', () => {
    const { reports } = runListeners(`${OPEN}
      const seen = new Map();
      const id = ffi.virConnectDomainEventRegisterAny(conn, null, 0, (from, dom, event) => {
        seen.set(ffi.virDomainGetName(dom), [...(seen.get(ffi.virDomainGetName(dom)) ?? []), event]);
        ffi.virDomainFree(dom);
      });
      for (let i = 0; i < 200; i += 1) {
        const dom = ffi.virDomainDefineXML(conn, guest('d' + i));
        ffi.virDomainCreate(dom);
        ffi.virDomainDestroy(dom);
        ffi.virDomainUndefine(dom);
        ffi.virDomainFree(dom);
      }
      await until(() => seen.get('d199')?.length === 4);
      report([seen.size, [...new Set([...seen.values()].map((events) => events.join()))]]);
      ffi.virConnectDomainEventDeregisterAny(conn, id);`);
    expect(reports).toEqual([[200, ['0,2,5,1']]]);
  });

  test('of asynchronous calls', () => {
    const { reports } = runListeners(`${OPEN}
      let count = 0;
      const id = await ffi.virConnectDomainEventRegisterAny.async(conn, null, 0, (from, dom) => {
        count += 1;
        ffi.virDomainFree(dom);
      });
      for (let i = 0; i < 100; i += 1) { await ffi.virDomainSuspend.async(domain); await ffi.virDomainResume.async(domain); }
      await until(() => count === 200);
      report(count);
      await ffi.virConnectDomainEventDeregisterAny.async(conn, id);`);
    expect(reports).toEqual([200]);
  });

  test('reach each of many listeners, and none that was taken away', () => {
    const { reports } = runListeners(`${OPEN}
      const counts = Array(32).fill(0);
      const ids = counts.map((_, i) => ffi.virConnectDomainEventRegisterAny(conn, null, 0, (from, dom) => {
        counts[i] += 1;
        ffi.virDomainFree(dom);
      }));
      ffi.virDomainSuspend(domain);
      await until(() => counts.every((count) => count === 1));
      for (const id of ids.slice(1)) ffi.virConnectDomainEventDeregisterAny(conn, id);
      ffi.virDomainResume(domain);
      await until(() => counts[0] === 2);
      await sleep(50);
      report(counts.slice(1).every((count) => count === 1));
      ffi.virConnectDomainEventDeregisterAny(conn, ids[0]);`);
    expect(reports).toEqual([true]);
  });

  test('of one domain only, where that was asked for', () => {
    const { reports } = runListeners(`${OPEN}
      const other = ffi.virDomainDefineXML(conn, guest('other'));
      const seen = [];
      const id = ffi.virConnectDomainEventRegisterAny(conn, other, 0, (from, dom, event) => {
        seen.push([ffi.virDomainGetName(dom), event]);
        ffi.virDomainFree(dom);
      });
      ffi.virDomainSuspend(domain);
      ffi.virDomainCreate(other);
      await until(() => seen.length === 1);
      await sleep(50);
      report(seen);
      ffi.virConnectDomainEventDeregisterAny(conn, id);`);
    expect(reports).toEqual([[['other', 2]]]);
  });
});

describe('events of other kinds', () => {
  test('with strings that may be missing', () => {
    const { reports } = runListeners(`${OPEN}
      const id = ffi.virConnectDomainEventRegisterAny(conn, null, ffi.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, (from, dom, type, nsuri) => {
        report([type, nsuri]);
        ffi.virDomainFree(dom);
        if (nsuri !== null) ffi.virConnectDomainEventDeregisterAny(conn, id);
      });
      ffi.virDomainSetMetadata(domain, 0, 'what it is', null, null, 0);
      ffi.virDomainSetMetadata(domain, 2, '<a/>', 'x', 'http://example.org/grün', 0);`);
    expect(reports).toEqual([
      [0, null],
      [2, 'http://example.org/grün'],
    ]);
  });

  test('of networks, storage pools and node devices', () => {
    const { reports } = runListeners(`${OPEN}
      const listeners = [];
      let seen = 0;
      const listen = (kind, free, id) => {
        const register = ffi['virConnect' + kind + 'EventRegisterAny'];
        const number = register(conn, null, id, (from, object, ...rest) => {
          seen += 1;
          report([kind, id, ...rest]);
          ffi[free](object);
        });
        listeners.push(() => ffi['virConnect' + kind + 'EventDeregisterAny'](conn, number));
      };
      listen('Network', 'virNetworkFree', 0);
      listen('StoragePool', 'virStoragePoolFree', 0);
      listen('StoragePool', 'virStoragePoolFree', 1);
      listen('NodeDevice', 'virNodeDeviceFree', 0);
      const net = ffi.virNetworkLookupByName(conn, 'default');
      ffi.virNetworkDestroy(net);
      const pool = ffi.virStoragePoolLookupByName(conn, 'default-pool');
      ffi.virStoragePoolRefresh(pool);
      ffi.virStoragePoolDestroy(pool);
      const device = ffi.virNodeDeviceCreateXML(conn, \`<device><name>scsi_host9</name><parent>scsi_host1</parent>
        <capability type='scsi_host'><capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn>
        </capability></capability></device>\`);
      ffi.virNodeDeviceDestroy(device);
      await until(() => seen >= 5);
      await sleep(20);
      for (const end of listeners) end();`);
    expect(reports).toEqual([
      ['Network', 0, 3, 0],
      ['StoragePool', 1],
      ['StoragePool', 0, 3, 0],
      ['NodeDevice', 0, 0, 0],
      ['NodeDevice', 0, 1, 0],
    ]);
  });

  test('timers and file descriptors of libvirt’s loop', () => {
    const { reports } = runListeners(
      `${OPEN}
      import { openSync, readSync, writeSync } from 'node:fs';
      import { execFileSync } from 'node:child_process';
      let ticks = 0;
      const timer = ffi.virEventAddTimeout(1, (which) => {
        if (which !== timer) throw new Error('another timer');
        ticks += 1;
        if (ticks === 5) ffi.virEventRemoveTimeout(timer);
      });
      await until(() => ticks === 5);
      report(ticks);

      const fifo = process.env.FIFO_FOLDER + '/fifo';
      execFileSync('mkfifo', [fifo]);
      const fd = openSync(fifo, 'r+');
      let calls = 0;
      const watch = ffi.virEventAddHandle(fd, 1, (which, from, events) => {
        calls += 1;
        if (calls > 1) return;
        report([which === watch, from === fd, events, readSync(fd, Buffer.alloc(10))]);
        ffi.virEventUpdateHandle(watch, 0);
      });
      writeSync(fd, 'hello');
      await until(() => calls > 0);
      await sleep(30);
      // One more may have been on its way when the first was seen, which tells nothing new.
      report(calls <= 2);
      ffi.virEventRemoveHandle(watch);`,
      { env: { FIFO_FOLDER: process.env.VIRTSHIM_TEST_TMP ?? '/tmp' } },
    );
    expect(reports).toEqual([5, [true, true, 1, 5], true]);
  });
});

describe('what cannot be registered', () => {
  test('is refused, and nothing keeps the process alive', () => {
    const { reports } = runListeners(`${OPEN}
      report(attempt(() => ffi.virConnectDomainEventRegisterAny(conn, null, 999, () => {})));
      report(attempt(() => ffi.virConnectDomainEventRegisterAny(conn, null, 0, null)));
      report(attempt(() => ffi.virConnectSecretEventRegisterAny(conn, null, 0, () => {})));
      report(attempt(() => ffi.virConnectDomainEventDeregister(conn, () => {})));`);
    expect(reports).toEqual([
      '`eventID` of virConnectDomainEventRegisterAny must be an event that virtshim knows, not `999`',
      '`cb` of virConnectDomainEventRegisterAny must be a function, not null',
      'this function is not supported by the connection driver: virConnectSecretEventRegisterAny',
      '`cb` of virConnectDomainEventDeregister must be a listener that is registered here, not a function',
    ]);
  });
});

describe('registrations that are named by their listener again', () => {
  test('the older way to listen for domains', () => {
    const { reports } = runListeners(`${OPEN}
      let count = 0;
      const listener = (from, dom) => { count += 1; ffi.virDomainFree(dom); };
      const other = (from, dom) => { ffi.virDomainFree(dom); };
      ffi.virConnectDomainEventRegister(conn, listener);
      ffi.virConnectDomainEventRegister(conn, other);
      ffi.virDomainSuspend(domain);
      await until(() => count === 1);
      ffi.virConnectDomainEventDeregister(conn, listener);
      report(attempt(() => ffi.virConnectDomainEventDeregister(conn, listener)));
      ffi.virDomainResume(domain);
      await sleep(50);
      report(count);
      ffi.virConnectDomainEventDeregister(conn, other);`);
    expect(reports).toEqual([
      '`cb` of virConnectDomainEventDeregister must be a listener that is registered here, not a function',
      1,
    ]);
  });

  test('connections that close', () => {
    const { reports } = runListeners(`${OPEN}
      const listener = () => report('closed');
      ffi.virConnectRegisterCloseCallback(conn, listener);
      ffi.virConnectUnregisterCloseCallback(conn, listener);
      report(attempt(() => ffi.virConnectUnregisterCloseCallback(conn, listener)));
      ffi.virConnectRegisterCloseCallback(conn, listener);`);
    expect(reports).toEqual([expect.stringContaining('must be a listener that is registered here')]);
  });
});

describe('errors', () => {
  test('are told to one listener, and to none after null', () => {
    const { reports, stderr } = runListeners(`${OPEN}
      const fail = () => attempt(() => ffi.virDomainLookupByName(conn, 'nobody'));
      const seen = [];
      ffi.virSetErrorFunc(() => seen.push('replaced'));
      ffi.virSetErrorFunc((error) => seen.push([error.code, error.message]));
      fail();
      await until(() => seen.length === 1);
      ffi.virSetErrorFunc(null);
      fail();
      ffi.virConnSetErrorFunc(conn, (error) => seen.push(['of the connection', error.code]));
      fail();
      await until(() => seen.length === 2);
      ffi.virConnSetErrorFunc(conn, null);
      fail();
      await sleep(30);
      report(seen);`);
    expect(reports).toEqual([
      [
        [42, expect.stringContaining('Domain not found')],
        ['of the connection', 42],
      ],
    ]);
    expect(stderr).toBe('');
  });
});

test('a listener runs in the context that it was registered in', () => {
  const { reports } = runListeners(`${OPEN}
    import { AsyncLocalStorage } from 'node:async_hooks';
    const storage = new AsyncLocalStorage();
    const seen = [];
    const register = () => ffi.virConnectDomainEventRegisterAny(conn, null, 0, (from, dom) => {
      seen.push(storage.getStore());
      ffi.virDomainFree(dom);
    });
    const ids = ['first', 'second'].map((name) => storage.run(name, register));
    ids.push(register());
    storage.run('caller', () => ffi.virDomainSuspend(domain));
    await until(() => seen.length === 3);
    report(seen.map((store) => store ?? 'none').sort());
    for (const id of ids) ffi.virConnectDomainEventDeregisterAny(conn, id);`);
  expect(reports).toEqual([['first', 'none', 'second']]);
});
