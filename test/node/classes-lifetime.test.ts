import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runScript } from '../support/node_api.js';
import { imageFile, permissiveExcept } from '../support/shim.js';

const open = `
const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
const closed = { name: 'VirtshimError', code: 'VIRTSHIM_CLOSED' };
`;

/**
 * `references(connection)`: how many there are, its own and those of the objects that came from it. libvirt's objects
 * are GObjects, whose ABI has the count behind a pointer.
 */
const counting = `
const { decode } = (await import('koffi')).default;
const references = (connection) => decode(connection.pointer, 8, 'uint');
`;

describe('an object that was freed', () => {
  test('refuses every call, as itself and as an argument', () => {
    runScript(`${open}
      const snapshot = await domain.snapshotCreateXML('<domainsnapshot/>');
      await snapshot.free();
      assert.throws(() => snapshot.getNameSync(), closed);
      await assert.rejects(snapshot.getName(), closed);
      assert.throws(() => domain.revertToSnapshotSync(snapshot), closed);
      await assert.rejects(domain.revertToSnapshot(snapshot), closed);
      await assert.rejects(connection.domainListGetStats([domain, snapshot]), closed);
      assert.throws(() => snapshot.pointer, { ...closed, message: 'this DomainSnapshot was freed' });
      assert.equal(snapshot.freed, true);
      assert.equal(domain.freed, false);
      assert.equal(await domain.name(), 'test');
    `);
  });

  test('may be freed again', () => {
    runScript(`${open}
      await Promise.all([domain.free(), domain.free()]);
      await domain.free();
      domain.freeSync();
      domain[Symbol.dispose]();
      await domain[Symbol.asyncDispose]();
      connection.closeSync();
      connection.closeSync();
      await connection.close();
      await connection.free();
    `);
  });

  test('is freed once, also where calls are in flight', async () => {
    const audit = { netlink: false, levels: { virConnectClose: 'response' as const } };
    const { reports, records } = runScript(
      `${open}${counting}
      const order = [];
      const calls = Array.from({ length: 300 }, () => domain.XMLDesc().then((xml) => order.push(xml.length > 100)));
      const freed = domain.free().then(() => order.push('freed'));
      await assert.rejects(domain.XMLDesc(), closed);
      domain.freeSync();
      assert.equal(references(connection), 2);
      await Promise.all([...calls, freed]);
      report([order.length, order.indexOf('freed'), order.filter((each) => each === true).length]);
      assert.equal(references(connection), 1);

      const other = await connection.lookupByName('test');
      const last = Array.from({ length: 50 }, () => other.info());
      other.freeSync();
      assert.throws(() => other.infoSync(), closed);
      assert.equal((await Promise.all(last)).length, 50);
      await other.free();
      assert.equal(references(connection), 1);
      const closes = [connection.close(), connection.close()];
      connection.closeSync();
      await Promise.all(closes);
    `,
      { policy: await imageFile(permissiveExcept([], { audit })) },
    );
    expect(reports).toEqual([[301, 300, 300]]);
    expect(records.filter((record) => record.event === 'virConnectClose' && record.state === 1)).toHaveLength(1);
  });

  test('stays alive for calls of which it is an argument', () => {
    runScript(`${open}
      const snapshot = await domain.snapshotCreateXML('<domainsnapshot/>');
      const calls = Array.from({ length: 20 }, () => domain.revertToSnapshot(snapshot));
      await snapshot.free();
      await Promise.all(calls);
      const domains = await connection.listAllDomains();
      const stats = Array.from({ length: 20 }, () => connection.domainListGetStats(domains));
      await Promise.all(domains.map((each) => each.free()));
      assert.equal((await Promise.all(stats)).every(([first]) => first.dom.nameSync() === 'test'), true);
    `);
  });
});

describe('objects and what they came from', () => {
  test('are freed in every order, and work until then', () => {
    runScript(`
      const orders = ([first, ...rest]) => first === undefined ? [[]]
        : orders(rest).flatMap((order) => order.map((_, i) => i).concat(order.length)
            .map((at) => [...order.slice(0, at), first, ...order.slice(at)]));
      const check = (objects) => {
        if (!objects.domain.freed) assert.equal(objects.domain.nameSync(), 'test');
        if (!objects.snapshot.freed) assert.equal(typeof objects.snapshot.getXMLDescSync(), 'string');
        if (!objects.network.freed) assert.equal(objects.network.nameSync(), 'default');
        if (!objects.connection.freed) assert.equal(objects.connection.isAliveSync(), true);
      };
      for (const order of orders(['connection', 'domain', 'snapshot', 'network'])) {
        for (const sync of [true, false]) {
          const connection = Connection.openSync('test:///default');
          const domain = connection.lookupByNameSync('test');
          const snapshot = domain.snapshotCreateXMLSync('<domainsnapshot/>');
          const objects = { connection, domain, snapshot, network: connection.networkLookupByNameSync('default') };
          for (const name of order) {
            if (sync) objects[name].freeSync(); else await objects[name].free();
            check(objects);
          }
        }
      }
      report(orders(['connection', 'domain', 'snapshot', 'network']).length);
    `);
  });

  test('know where they came from', () => {
    runScript(`${open}
      const snapshot = await domain.snapshotCreateXML('<domainsnapshot/>');
      const [child] = await domain.listAllSnapshots();
      for (const each of [snapshot, child]) {
        assert.equal(await each.domain(), domain);
        assert.equal(each.connectSync(), connection);
      }
      const pool = await connection.storagePoolLookupByName('default-pool');
      const volume = await pool.createXML('<volume><name>v</name><capacity>1</capacity></volume>');
      assert.equal((await volume.storagePoolLookupByVolume()).connectSync(), connection);
      assert.equal(domain instanceof virtshim.Domain, true);
      assert.equal(volume instanceof virtshim.StorageVol, true);
      assert.equal(snapshot instanceof virtshim.DomainSnapshot, true);
    `);
  });

  test('may be made of pointers of the low-level functions', () => {
    runScript(`${open}
      const ffi = await import('${process.cwd()}/dist/ffi/index.js');
      const pointer = ffi.virDomainLookupByName(connection.pointer, 'test');
      const adopted = new virtshim.Domain(pointer, connection);
      assert.equal(await adopted.name(), ffi.virDomainGetName(domain.pointer));
      await adopted.free();
    `);
  });

  test('show themselves without harm', () => {
    const { reports } = runScript(`${open}
      const { inspect } = await import('node:util');
      const stream = await connection.newStream();
      report([inspect(connection), inspect(domain), inspect({ domain }), inspect(stream).replace(/[0-9a-f]{6,}/, '...')]);
      const secret = await Connection.open('test:///default?password=hidden').catch(() => connection);
      assert.equal(inspect(secret).includes('hidden'), false);
      domain.freeSync();
      report(inspect(domain));
    `);
    expect(reports).toEqual([
      ["Connection 'test:///default'", "Domain 'test'", "{ domain: Domain 'test' }", "Stream '0x...'"],
      'Domain (freed)',
    ]);
  });
});

describe('garbage', () => {
  test('10,000 forgotten objects are given back, and memory stays flat', () => {
    const { reports } = runScript(
      `${counting}
      const settle = async () => {
        for (let i = 0; i < 5; i++) { gc(); await new Promise((done) => setTimeout(done, 20)); }
      };
      const connection = Connection.openSync('test:///default');
      const round = async (count) => {
        for (let i = 0; i < count; i += 4) {
          connection.lookupByNameSync('test');
          await connection.lookupByName('test');
          await connection.listAllNetworks();
          connection.storagePoolLookupByNameSync('default-pool');
        }
      };
      const rss = () => process.memoryUsage().rss / 1024 / 1024;
      await round(4000);
      await settle();
      const before = rss();
      await round(8);
      report(references(connection) > 1);
      for (let i = 0; i < 10; i++) { await round(1000); await settle(); }
      report([references(connection), rss() - before]);
    `,
      { node: ['--expose-gc'] },
    );
    expect(reports[0]).toBe(true);
    expect(reports[1]).toEqual([1, expect.any(Number)]);
    expect((reports[1] as number[])[1]).toBeLessThan(10);
  });

  test('does not give back again what was freed', () => {
    const { reports } = runScript(
      `${open}${counting}
      const ffi = await import('${process.cwd()}/dist/ffi/index.js');
      const pointer = ffi.virDomainLookupByName(connection.pointer, 'test');
      const left = () => decode(pointer, 8, 'uint');
      for (let i = 0; i < 4; i++) ffi.virDomainRef(pointer);
      report(left());
      new virtshim.Domain(pointer, connection).freeSync();
      await new virtshim.Domain(pointer, connection).free();
      new virtshim.Domain(pointer, connection);
      for (let i = 0; i < 5 || (i < 200 && left() > 2); i++) { gc(); await new Promise((done) => setTimeout(done, 20)); }
      report(left());
    `,
      { node: ['--expose-gc'] },
    );
    expect(reports).toEqual([5, 2]);
  });

  test('forgotten connections are closed, and exit does not wait for what is still to be collected', async () => {
    const audit = { netlink: false, levels: { virConnectClose: 'response' as const } };
    const { records } = runScript(
      `
      for (let i = 0; i < 100; i++) await Connection.open('test:///default');
      for (let i = 0; i < 20; i++) { gc(); await new Promise((done) => setTimeout(done, 20)); }
      globalThis.kept = Connection.openSync('test:///default');
    `,
      { node: ['--expose-gc'], policy: await imageFile(permissiveExcept([], { audit })) },
    );
    const closed = records.filter((record) => record.event === 'virConnectClose').length;
    expect(closed).toBeGreaterThanOrEqual(98);
    expect(closed).toBeLessThanOrEqual(100);
  });

  test('what a worker thread holds is given back when it ends', async () => {
    const audit = { netlink: false, levels: { virConnectClose: 'response' as const } };
    const { reports, records } = runScript(
      `
      const { Worker } = await import('node:worker_threads');
      const text = \`import { Connection } from 'file://${join(process.cwd(), 'dist/index.js')}';
        globalThis.kept = await Promise.all(Array.from({ length: 20 }, () => Connection.open('test:///default')));
        globalThis.domains = await kept[0].listAllDomains();
        kept[1].closeSync();\`;
      const connection = await Connection.open('test:///default');
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)));
      await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
      report(await connection.getType());
    `,
      { policy: await imageFile(permissiveExcept([], { audit })) },
    );
    expect(reports).toEqual(['TEST']);
    expect(records.filter((record) => record.event === 'virConnectClose')).toHaveLength(20);
  });

  test('an object is not given back while a call on it is in flight', () => {
    runScript(
      `
      const calls = [];
      for (let i = 0; i < 200; i++) {
        const connection = Connection.openSync('test:///default');
        calls.push(connection.lookupByNameSync('test').XMLDesc());
        if (i % 20 === 0) gc();
      }
      gc();
      assert.equal((await Promise.all(calls)).every((xml) => xml.startsWith('<domain')), true);
    `,
      { node: ['--expose-gc'] },
    );
  });
});

test('objects made, called, freed and forgotten at random leave no reference and no complaint of libvirt', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { reports, stderr } = runScript(
    `${counting}
    let state = ${seed};
    const random = (below) => { state = (state * 1103515245 + 12345) % 2 ** 31; return (state >>> 8) % below; };
    const connection = await Connection.open('test:///default');
    const pool = await connection.storagePoolLookupByName('default-pool');
    await pool.createXML('<volume><name>v</name><capacity>1</capacity></volume>');
    await (await connection.lookupByName('test')).snapshotCreateXML('<domainsnapshot><name>s</name></domainsnapshot>');
    const objects = [];
    const makers = [
      () => connection.lookupByName('test'),
      () => connection.lookupByNameSync('test').snapshotLookupByName('s'),
      () => connection.networkLookupByNameSync('default'),
      () => pool.storageVolLookupByName('v'),
      () => connection.newStream(),
      () => connection.nodeDeviceLookupByNameSync('computer'),
      async () => (await connection.listAllInterfaces())[0],
    ];
    const uses = [
      (object) => object.connect(),
      (object) => object.XMLDesc?.() ?? object.getXMLDesc?.(),
      (object) => object.nameSync?.(),
      (object) => object.free(),
      (object) => object.freeSync(),
      (object) => object[Symbol.asyncDispose](),
      () => objects.splice(random(objects.length), 1),
    ];
    const expected = (error) => { if (error.code !== 'VIRTSHIM_CLOSED') throw error; };
    const caller = async () => {
      for (let i = 0; i < 500; i++) {
        if (objects.length < 20) objects.push(await makers[random(makers.length)]());
        const object = objects[random(objects.length)];
        try {
          const result = uses[random(uses.length)](object);
          if (random(3)) await result; else Promise.resolve(result).catch(expected);
        } catch (error) { expected(error); }
        if (random(200) === 0) gc();
      }
    };
    await Promise.all(Array.from({ length: 30 }, caller));
    await Promise.all(objects.splice(0).map((object) => object.free()));
    await pool.free();
    for (let i = 0; i < 5 || (i < 200 && references(connection) > 1); i++) {
      gc();
      await new Promise((done) => setTimeout(done, 20));
    }
    report(references(connection));
  `,
    { node: ['--expose-gc'] },
  );
  expect({ seed, reports, stderr }).toEqual({ seed, reports: [1], stderr: '' });
});
