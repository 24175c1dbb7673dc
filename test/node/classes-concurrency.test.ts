import { expect, test } from '@jest/globals';
import { runScript } from '../support/node_api.js';

test('a hundred callers at once: each failure is that of its own call, nothing is lost', () => {
  const { reports } = runScript(`
    const connection = await Connection.open('test:///default');
    const domain = await connection.lookupByName('test');
    const end = Date.now() + 3000;
    const count = { failed: 0, answered: 0 };
    const caller = async (id) => {
      for (let n = 0; Date.now() < end; n++) {
        const name = \`missing-\${id}-\${n}\`;
        const error = await connection.storagePoolLookupByName(name).then(() => null, (each) => each);
        assert.equal(error instanceof LibvirtError && error.code, constants.VIR_ERR_NO_STORAGE_POOL);
        assert.equal(error.message.includes(\`'\${name}'\`), true, error.message);
        assert.equal(error.functionName, 'virStoragePoolLookupByName');
        count.failed++;
        assert.equal(await domain.name(), 'test');
        const found = await connection.lookupByID(1);
        assert.equal(await found.name(), 'test');
        if (n % 2) await found.free();
        count.answered++;
      }
    };
    await Promise.all(Array.from({ length: 100 }, (_, id) => caller(id)));
    assert.equal(count.failed, count.answered);
    report(count.answered);
  `);
  expect(reports[0]).toBeGreaterThan(1000);
});

test('synchronous failures in between do not mix with asynchronous ones', () => {
  runScript(`
    const connection = await Connection.open('test:///default');
    const calls = [];
    for (let i = 0; i < 2000; i++) {
      calls.push(connection.storagePoolLookupByName(\`async-\${i}\`).catch((error) => error.message.includes(\`'async-\${i}'\`)));
      assert.throws(() => connection.storagePoolLookupByNameSync(\`sync-\${i}\`), (error) => error.message.includes(\`'sync-\${i}'\`));
    }
    assert.equal((await Promise.all(calls)).every((each) => each === true), true);
  `);
});
