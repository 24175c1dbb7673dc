// What test/soak/node runs: `node --expose-gc node.mjs ROOT PHASE AMOUNT`. Prints one line of figures; throws where
// something is not as it has to be.
import assert from 'node:assert/strict';
import { join } from 'node:path';

const [root, phase, amount] = process.argv.slice(2);
const { Connection, constants, LibvirtError, PolicyDeniedError } = await import(join(root, 'dist/index.js'));
const ffi = await import(join(root, 'dist/ffi/index.js'));

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Collects garbage until finalizers have run, and what they gave to other threads has been done. */
async function collect() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await turn();
    await ffi.virGetVersion.async(null);
  }
}

const residentKiB = () => Math.round(process.memoryUsage.rss() / 1024);

/** Runs `part` ten times, and gives the resident memory after each of them. */
async function tenTimes(part) {
  const sizes = [];
  for (let i = 0; i < 10; i++) {
    await part(i);
    await collect();
    sizes.push(residentKiB());
  }
  return sizes;
}

/** How much the second half added. The memory of a JavaScript heap sways; a leak of ten bytes a call would show. */
function growth(sizes) {
  return Math.max(...sizes.slice(7)) - Math.max(...sizes.slice(3, 6));
}

const failed = (call) => assert.throws(call, LibvirtError);

async function calls(count) {
  const connection = await Connection.open('test:///default');
  const domain = await connection.lookupByName('test');
  const network = await connection.networkLookupByName('default');
  // Texts, structs, lists, typed parameters, flags, failures, refusals; on this thread and on others.
  const sync = [
    () => domain.nameSync(),
    () => domain.infoSync(),
    () => domain.stateSync(),
    () => domain.XMLDescSync(),
    () => domain.schedulerParametersSync(),
    () => connection.listDomainsIDSync(),
    () => network.bridgeNameSync(),
    () => failed(() => connection.lookupByNameSync('nobody')),
    () => failed(() => connection.storagePoolLookupByNameSync('none')),
    () => assert.throws(() => domain.destroySync(), PolicyDeniedError),
  ];
  const async = [
    () => domain.name(),
    () => domain.info(),
    () => domain.UUIDString(),
    () => domain.XMLDesc(),
    () => domain.schedulerParameters(),
    () => connection.listDomainsID(),
    () => connection.getCapabilities(),
    () => assert.rejects(connection.lookupByName('nobody'), LibvirtError),
    () => assert.rejects(connection.storagePoolLookupByName('none'), LibvirtError),
    () => assert.rejects(domain.destroy(), PolicyDeniedError),
  ];
  const sizes = await tenTimes(async () => {
    for (let done = 0; done < count / 10; done += 100) {
      for (let i = 0; i < 50; i++) sync[i % sync.length]();
      await Promise.all(Array.from({ length: 50 }, (_, i) => async[i % async.length]()));
    }
  });
  await connection.close();
  return { sizes, figures: `${count} calls` };
}

async function objects(count) {
  const pointer = ffi.virConnectOpen('test:///default');
  const open = async () => {
    ffi.virConnectRef(pointer);
    const connection = new Connection(pointer);
    const domain = await connection.lookupByName('test');
    await Promise.all([connection.networkLookupByName('default'), connection.listAllStoragePools(), domain.info()]);
    const other = Connection.openSync('test:///default');
    return other.lookupByNameSync('test').nameSync();
  };
  // Five objects in each turn, and nothing of them is kept.
  const sizes = await tenTimes(async () => {
    for (let opened = 0; opened < count / 10; opened += 20) {
      await Promise.all(Array.from({ length: 4 }, open));
      if (opened % 500 === 0) await collect();
    }
  });
  assert.equal(ffi.virConnectClose(pointer), 0, 'references are left');
  return { sizes, figures: `${count} objects opened and dropped, all references given back` };
}

async function callers(seconds) {
  const connection = await Connection.open('test:///default');
  const end = Date.now() + seconds * 1000;
  const count = { failed: 0, refused: 0, answered: 0 };
  const caller = async (id) => {
    for (let n = 0; Date.now() < end; n++) {
      const name = `missing-${id}-${n}`;
      const error = await connection.storagePoolLookupByName(name).then(
        () => null,
        (each) => each,
      );
      assert.equal(error instanceof LibvirtError && error.code, constants.VIR_ERR_NO_STORAGE_POOL);
      assert.ok(error.message.includes(`'${name}'`), `${name}: ${error.message}`);
      assert.equal(error.functionName, 'virStoragePoolLookupByName');
      count.failed++;
      const domain = await connection.lookupByName('test');
      const refusal = await domain.destroy().then(
        () => null,
        (each) => each,
      );
      assert.ok(refusal instanceof PolicyDeniedError && refusal.rule === 'no-destroy', String(refusal));
      count.refused++;
      assert.equal(await domain.name(), 'test');
      await domain.free();
      count.answered++;
    }
  };
  await Promise.all(Array.from({ length: 100 }, (_, id) => caller(id)));
  await connection.close();
  assert.equal(count.failed, count.answered);
  assert.equal(count.refused, count.answered);
  const errors = `${count.failed} failures and ${count.refused} refusals, each its own call's`;
  return { sizes: [], figures: `100 callers for ${seconds} s: ${errors}` };
}

const { sizes, figures } = await { calls, objects, callers }[phase](Number(amount));
const memory = sizes.length > 0 ? `, resident ${sizes.at(0)} to ${sizes.at(-1)} KiB, second half +${growth(sizes)} KiB` : '';
console.log(`${figures}${memory}`);
// A leak of ten bytes a call, in a million of them, is 5 MiB in the second half.
const limitKiB = Number(process.env.SOAK_LIMIT_KIB ?? 4096);
if (sizes.length > 0) assert.ok(growth(sizes) < limitKiB, `memory grows: ${sizes.join(', ')} KiB`);
