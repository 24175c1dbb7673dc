// What virtshim/ffi throws: libvirt's errors with all their fields, refused arguments, functions that are not there.
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as ffi from '../../src/ffi/index.js';
import type { virConnectPtr, virDomainPtr } from '../../src/generated/ffi/types.js';
import { call, failureOf, guestOf, openHost, ways } from '../support/ffi.js';

let conn: virConnectPtr;
let domain: virDomainPtr;

beforeAll(() => {
  conn = openHost();
  domain = guestOf(conn);
});

describe.each(ways)('called %s', (way) => {
  test('a LibvirtError has everything that libvirt tells, and the function', async () => {
    const error = await failureOf(call(way, ffi.virDomainLookupByName, conn, 'nöbody'));
    expect(error).toBeInstanceOf(ffi.LibvirtError);
    expect(error).not.toBeInstanceOf(ffi.PolicyDeniedError);
    expect(error).toMatchObject({
      name: 'LibvirtError',
      message: 'Domain not found',
      functionName: 'virDomainLookupByName',
      code: ffi.VIR_ERR_NO_DOMAIN,
      domain: ffi.VIR_FROM_TEST,
      level: ffi.VIR_ERR_ERROR,
      str1: 'Domain not found',
      str2: null,
      str3: null,
      int1: -1,
      int2: -1,
    });
    expect((error as Error).stack).toContain('ffi-errors.test.ts');
  });

  test('each failure has the error of its own call', async () => {
    const missing = failureOf(call(way, ffi.virDomainLookupByName, conn, 'nobody'));
    const again = failureOf(call(way, ffi.virDomainCreate, domain));
    const fine = call(way, ffi.virDomainGetName, domain);
    expect(await again).toMatchObject({ functionName: 'virDomainCreate', str2: expect.stringContaining('running') });
    expect(await missing).toMatchObject({ functionName: 'virDomainLookupByName', code: ffi.VIR_ERR_NO_DOMAIN });
    expect(await fine).toBe('gäst');
  });

  test('a value that may stand for a failure is one only where libvirt has said so', async () => {
    const off = ffi.virDomainDefineXML(
      conn,
      `<domain type='test'><name>off</name><memory>1024</memory><os><type>hvm</type></os></domain>`,
    );
    await failureOf(call(way, ffi.virDomainResume, off));
    expect(await call(way, ffi.virDomainGetID, off)).toBe(-1);
    expect(await call(way, ffi.virGetLastErrorCode)).toEqual(expect.any(Number));
    ffi.virDomainUndefine(off);
    ffi.virDomainFree(off);
    await expect(call(way, ffi.virNodeGetFreeMemory, conn)).rejects.toBeInstanceOf(ffi.LibvirtError);
  });

  test('functions that the installed libvirt lacks throw VIR_ERR_NO_SUPPORT, and say so beforehand', async () => {
    const { available } = ffi.virDomainDelThrottleGroup;
    expect(available).toBe(ffi.installedVersion() >= 11_002_000);
    expect(ffi.virDomainGetName.available).toBe(true);
    if (available) return;
    await expect(call(way, ffi.virDomainDelThrottleGroup, domain, 'group')).rejects.toMatchObject({
      ...{ code: ffi.VIR_ERR_NO_SUPPORT, functionName: 'virDomainDelThrottleGroup' },
    });
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['null for a handle', () => wrong(ffi.virDomainGetName, null), '`domain` of virDomainGetName must be a pointer'],
    ['NULL for a handle', () => wrong(ffi.virDomainGetName, 0n), '`domain` of virDomainGetName must be a pointer'],
    ['an object for a handle', () => wrong(ffi.virDomainGetName, {}), 'not an object of class Object'],
    ['a number for a string', () => wrong(ffi.virDomainLookupByName, conn, 7), '`name` of virDomainLookupByName'],
    ['a missing string', () => wrong(ffi.virDomainLookupByName, conn), 'not undefined'],
    ['a string with NUL', () => wrong(ffi.virDomainLookupByName, conn, 'a\0b'), 'not a string with a NUL character'],
    ['a fraction', () => wrong(ffi.virDomainLookupByID, conn, 1.5), 'from -2147483648 to 2147483647, not `1.5`'],
    ['too high an int', () => wrong(ffi.virDomainLookupByID, conn, 2 ** 31), 'not `2147483648`'],
    ['a negative unsigned', () => wrong(ffi.virDomainSetVcpus, domain, -1), 'from 0 to 4294967295, not `-1`'],
    ['negative flags', () => wrong(ffi.virDomainGetXMLDesc, domain, -1), '`flags` of virDomainGetXMLDesc'],
    ['an inexact number', () => wrong(ffi.virDomainSetMaxMemory, domain, 2 ** 60), '`memory` of virDomainSetMaxMemory'],
    [
      'too high an unsigned long',
      () => wrong(ffi.virDomainSetMaxMemory, domain, 2n ** 64n),
      'not `18446744073709551616`',
    ],
    ['text for truth', () => wrong(ffi.virDomainSetAutostart, domain, 'yes'), 'must be true or false, not a string'],
    ['what is no UUID', () => wrong(ffi.virDomainLookupByUUID, conn, 'x'), 'must be a UUID or its 16 bytes'],
    ['bytes that are too few', () => wrong(ffi.virDomainLookupByUUID, conn, new Uint8Array(15)), 'must be a UUID'],
    ['a string for a list', () => wrong(ffi.virConnectBaselineCPU, conn, 'x'), 'must be an array, not a string'],
    [
      'a number in a list',
      () => wrong(ffi.virConnectBaselineCPU, conn, ['x', 1]),
      '`xmlCPUs[1]` of virConnectBaselineCPU',
    ],
    ['a string for bytes', () => wrong(ffi.virDomainPinVcpu, domain, 0, 'x'), 'must be a Uint8Array'],
    ['NULL in a list', () => wrong(ffi.virDomainListGetStats, [0n], 0), '`doms` of virDomainListGetStats'],
    ['a list for parameters', () => wrong(ffi.virDomainSetMemoryParameters, domain, []), 'must be an object of typed'],
    [
      'the wrong type of a parameter',
      () => wrong(ffi.virDomainSetMemoryParameters, domain, { hard_limit: 'much' }),
      '`params.hard_limit` of virDomainSetMemoryParameters must be an integer from 0 to 18446744073709551615, not a string',
    ],
    [
      'too long a name of a parameter',
      () => wrong(ffi.virDomainSetMemoryParameters, domain, { ['x'.repeat(80)]: 1 }),
      'must be named by 1 to 79 bytes',
    ],
    ['text for a listener', () => wrong(ffi.virConnectRegisterCloseCallback, conn, 'x'), 'must be a function'],
    ['lists of unlike length', () => wrong(ffi.virNodeAllocPages, conn, [4, 5], [1], 0, 1), 'as long as `pageSizes`'],
    ['too much room', () => wrong(ffi.virConnectListDomains, conn, 2 ** 31 - 1), 'must be at most'],
  ])('%s is refused', async (_, attempt, message) => {
    const error = await failureOf(attempt());
    expect(error).toBeInstanceOf(ffi.VirtshimError);
    expect(error).toMatchObject({ code: 'VIRTSHIM_ARGUMENT', message: expect.stringContaining(message) });
  });

  // The compiler refuses these calls: JavaScript would not.
  function wrong(
    fn: ffi.LibvirtFunction<(...values: never[]) => unknown>,
    ...args: readonly unknown[]
  ): Promise<unknown> {
    return call(way, fn as ffi.LibvirtFunction<(...values: unknown[]) => unknown>, ...args);
  }
});

test('a secret does not stand in the message about it', () => {
  const attempt = () => ffi.virDomainSetUserPassword(domain, 'root', 'hush\0now');
  expect(attempt).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hush') }));
});
