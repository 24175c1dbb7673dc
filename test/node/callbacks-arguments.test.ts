// Each callback type of libvirt's API, called in C with made-up arguments: what its listener is given.
import { describe, expect, test } from '@jest/globals';
import { callbackTypes } from '../../src/generated/ffi/callbacks.js';
import { runAddon } from '../support/addon_calls.js';
import { eventCallbacks, MADE_ARGUMENTS } from '../support/callback_arguments.js';

const OBJECTS = `
const connection = await call('virConnectOpen', 'test:///default');
const objects = {
  virConnectPtr: connection,
  virAdmConnectPtr: connection,
  virDomainPtr: await call('virDomainLookupByName', connection, 'test'),
  virNetworkPtr: await call('virNetworkLookupByName', connection, 'default'),
  virStoragePoolPtr: await call('virStoragePoolLookupByName', connection, 'default-pool'),
  virNodeDevicePtr: await call('virNodeDeviceLookupByName', connection, 'computer'),
  virStreamPtr: await call('virStreamNew', connection, 0),
  virSecretPtr: null,
};
const frees = { virDomainPtr: 'virDomainFree', virNetworkPtr: 'virNetworkFree', virStoragePoolPtr: 'virStoragePoolFree',
                virNodeDevicePtr: 'virNodeDeviceFree', virStreamPtr: 'virStreamFree' };
const names = { virDomainPtr: 'virDomainGetName', virNetworkPtr: 'virNetworkGetName',
                virStoragePoolPtr: 'virStoragePoolGetName', virNodeDevicePtr: 'virNodeDeviceGetName' };
const prototypes = ${JSON.stringify(eventCallbacks)};
const types = ${JSON.stringify(callbackTypes)};
${MADE_ARGUMENTS}
const once = (prototype, isNull) => new Promise((resolve) => {
  const { args, expected } = made(prototype, isNull);
  const { callback, opaque } = addon.callback(types[prototype.name].id, (...seen) => {
    addon.dropCallback(opaque);
    resolve({ seen, expected });
  });
  addon.refCallback(opaque);
  callC(callback, prototype, args.map((arg) => (arg === 'opaque' ? opaque : arg)));
  spoil();
});
`;

describe('what a listener is given', () => {
  test('every type has a number, and every number a type', () => {
    expect(Object.keys(callbackTypes)).toEqual(eventCallbacks.map(({ name }) => name).sort());
    expect(eventCallbacks.length).toBeGreaterThanOrEqual(44);
  });

  test('copies of all arguments, for each type', () => {
    const { reports } = runAddon(`${OBJECTS}
      for (const prototype of prototypes) report([prototype.name, await once(prototype, false)]);`);
    expect(reports).toHaveLength(eventCallbacks.length);
    for (const [name, outcome] of reports as [string, { seen: unknown; expected: unknown }][]) {
      expect([name, outcome.seen]).toEqual([name, outcome.expected]);
    }
  });

  test('null for every NULL, for each type', () => {
    const { reports } = runAddon(`${OBJECTS}
      for (const prototype of prototypes) report([prototype.name, await once(prototype, true)]);`);
    for (const [name, outcome] of reports as [string, { seen: unknown; expected: unknown }][]) {
      expect([name, outcome.seen]).toEqual([name, outcome.expected]);
    }
  });

  test('the names of the arguments are those of the C prototype', () => {
    for (const { name, args } of eventCallbacks) {
      const given = args.filter((arg) => arg.type !== 'void *' && arg.name !== 'nparams');
      const known = callbackTypes[name as keyof typeof callbackTypes];
      expect([name, known.params]).toEqual([name, given.map((arg) => arg.name)]);
    }
  });

  test('objects that outlive the call, and are the listener’s to free', () => {
    const { reports } = runAddon(`${OBJECTS}
      const byObject = prototypes.filter((one) => one.args.some(({ type }) => type in frees));
      const waiting = byObject.map((prototype) => once(prototype, false).then(({ seen }) => ({ prototype, seen })));
      for (const [type, free] of Object.entries(frees)) await call(free, objects[type]);
      for (const { prototype, seen } of await Promise.all(waiting)) {
        const types = prototype.args.map(({ type }) => type).filter((type) => type !== 'void *');
        const i = types.findIndex((type) => type in frees);
        const name = names[types[i]] === undefined ? 'nameless' : await call(names[types[i]], seen[i]);
        report([name, await call(frees[types[i]], seen[i])]);
      }
      report(await call('virConnectClose', connection));`);
    const freed = reports.slice(0, -1) as [string, number][];
    expect(freed.length).toBeGreaterThan(30);
    for (const [name, result] of freed) {
      expect(['test', 'default', 'default-pool', 'computer', 'nameless']).toContain(name);
      expect(result).toBe(0);
    }
    // No object holds the connection any more.
    expect(reports.at(-1)).toBe(0);
  });
});

describe('what is told again and again', () => {
  const type = 'virStreamEventCallback';

  test('arrives once for as long as nobody has seen it, with all that was told', () => {
    const { reports } = runAddon(`${OBJECTS}
      const prototype = prototypes.find(({ name }) => name === '${type}');
      let seen = 0;
      const { callback, opaque } = addon.callback(types.${type}.id, (stream, events) => { seen += 1; report([stream === objects.virStreamPtr, events]); });
      const tell = (events) => callC(callback, prototype, [objects.virStreamPtr, events, opaque]);
      for (let i = 0; i < 50; i += 1) tell(1);
      tell(8);
      await until(() => seen === 1);
      tell(2);
      await until(() => seen === 2);
      await sleep(20);
      report('end');
      addon.dropCallback(opaque);`);
    expect(reports).toEqual([[true, 9], [true, 2], 'end']);
  });
});

test('C functions of one type differ, so that libvirt takes many listeners for one event', () => {
  const { reports } = runAddon(`
    const made = Array.from({ length: 32 }, () => addon.callback(6, () => {}));
    report(new Set(made.map(({ callback }) => callback)).size);
    for (const { opaque } of made) addon.dropCallback(opaque);`);
  expect(reports).toEqual([32]);
});

test('what makes no sense is refused', () => {
  const { reports } = runAddon(`
    const refused = (f) => { try { f(); report('taken'); } catch (error) { report(error.name); } };
    refused(() => addon.callback(-1, () => {}));
    refused(() => addon.callback(1000, () => {}));
    refused(() => addon.callback('6', () => {}));
    refused(() => addon.callback(6));
    refused(() => addon.callbackPointer(1000));
    addon.dropCallback(12345n);
    addon.dropCallback();
    addon.refCallback(12345n);
    report(addon.answer(1, 2));
    report(addon.isRegistered(12345n));`);
  expect(reports).toEqual([...Array(5).fill('TypeError'), false, false]);
});
