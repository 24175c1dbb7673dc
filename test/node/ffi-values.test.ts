// Values on their way into libvirt and back, both ways of calling: on its test driver, through the real shim.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as ffi from '../../src/ffi/index.js';
import * as structs from '../../src/generated/ffi/structs.js';
import type { virConnectPtr, virDomainPtr } from '../../src/generated/ffi/types.js';
import { call, guestOf, openHost, ways } from '../support/ffi.js';

let conn: virConnectPtr;
let domain: virDomainPtr;

beforeAll(() => {
  conn = openHost();
  domain = guestOf(conn);
});

describe.each(ways)('called %s', (way) => {
  test('structs are plain objects', async () => {
    const info = await call(way, ffi.virDomainGetInfo, domain);
    expect(info).toMatchObject({ state: ffi.VIR_DOMAIN_RUNNING, maxMem: 8388608, memory: 2097152, nrVirtCpu: 2 });
    expect(Object.keys(info)).toEqual(['state', 'maxMem', 'memory', 'nrVirtCpu', 'cpuTime']);
    const node = await call(way, ffi.virNodeGetInfo, conn);
    expect(node).toEqual({
      ...{ model: 'i986', memory: 8192000, cpus: 16, mhz: 6000, nodes: 2, sockets: 2, cores: 2, threads: 2 },
    });
    expect(await call(way, ffi.virDomainGetBlockInfo, domain, 'vda')).toEqual({
      ...{ capacity: expect.any(Number), allocation: expect.any(Number), physical: expect.any(Number) },
    });
  });

  test('64-bit integers that a number cannot hold are bigints', async () => {
    const { cpuTime } = await call(way, ffi.virDomainGetInfo, domain);
    expect(typeof cpuTime).toBe('bigint');
    const wide = 2n ** 63n + 1n;
    const { cpu_shares } = await parametersInMemory(way, { type: 'ullong', value: wide });
    expect(cpu_shares).toBe(wide);
  });

  test('several results are an object by the names that C gives them', async () => {
    expect(await call(way, ffi.virDomainGetState, domain)).toEqual({ state: 1, reason: expect.any(Number) });
    expect(await call(way, ffi.virDomainGetTime, domain)).toEqual({ seconds: 627319920, nseconds: 0 });
  });

  test('strings are UTF-8 in both directions', async () => {
    expect(await call(way, ffi.virDomainGetName, domain)).toBe('gäst');
    const xml = `<domain type='test'><name>日本 ${way} 🐧</name><memory>1024</memory><os><type>hvm</type></os></domain>`;
    const other = await call(way, ffi.virDomainDefineXML, conn, xml);
    expect(await call(way, ffi.virDomainGetName, other)).toBe(`日本 ${way} 🐧`);
    expect(await call(way, ffi.virDomainGetXMLDesc, other)).toContain(`<name>日本 ${way} 🐧</name>`);
    await call(way, ffi.virDomainUndefine, other);
    expect(await call(way, ffi.virDomainFree, other)).toBeUndefined();
  });

  test('strings may be left out where libvirt has something else to take', async () => {
    const title = ffi.VIR_DOMAIN_METADATA_TITLE;
    await call(way, ffi.virDomainSetMetadata, domain, title, 'Gäste', null, undefined, 0);
    expect(await call(way, ffi.virDomainGetMetadata, domain, title)).toBe('Gäste');
    await call(way, ffi.virDomainSetMetadata, domain, title, null, null, null);
    await expect(call(way, ffi.virDomainGetMetadata, domain, title)).rejects.toMatchObject({
      code: ffi.VIR_ERR_NO_DOMAIN_METADATA,
    });
  });

  test('truth is boolean', async () => {
    expect(await call(way, ffi.virDomainIsActive, domain)).toBe(true);
    expect(await call(way, ffi.virDomainGetAutostart, domain)).toBe(false);
    await call(way, ffi.virDomainSetAutostart, domain, true);
    expect(await call(way, ffi.virDomainGetAutostart, domain)).toBe(true);
    await call(way, ffi.virDomainSetAutostart, domain, false);
  });

  test('UUIDs: text or bytes go in, bytes or text come out', async () => {
    const text = '11111111-2222-3333-4444-555555555555';
    const bytes = await call(way, ffi.virDomainGetUUID, domain);
    expect(Buffer.from(bytes).toString('hex')).toBe(text.replaceAll('-', ''));
    expect(await call(way, ffi.virDomainGetUUIDString, domain)).toBe(text);
    for (const uuid of [bytes, text, text.replaceAll('-', '')]) {
      const found = await call(way, ffi.virDomainLookupByUUID, conn, uuid);
      expect(await call(way, ffi.virDomainGetName, found)).toBe('gäst');
      ffi.virDomainFree(found);
    }
  });

  test("handles in lists are the caller's", async () => {
    const domains = await call(way, ffi.virConnectListAllDomains, conn, 0);
    expect(domains.map((one) => ffi.virDomainGetName(one))).toEqual(['gäst']);
    for (const one of domains) await call(way, ffi.virDomainFree, one);
    expect(await call(way, ffi.virDomainGetName, domain)).toBe('gäst');
    expect(await call(way, ffi.virConnectListAllDomains, conn, ffi.VIR_CONNECT_LIST_DOMAINS_INACTIVE)).toEqual([]);
  });

  test("lists with the caller's room", async () => {
    expect(await call(way, ffi.virConnectListDomains, conn, 8)).toEqual([1]);
    expect(await call(way, ffi.virConnectListNetworks, conn, 8)).toEqual(['net']);
    expect(await call(way, ffi.virConnectListNetworks, conn, 0)).toEqual([]);
    expect(await call(way, ffi.virConnectListDefinedDomains, conn, 8)).toEqual([]);
    const standard = ffi.virConnectOpen('test:///default');
    expect(await call(way, ffi.virNodeGetCellsFreeMemory, standard, 0, 2)).toEqual([2097152, 4194304]);
    ffi.virConnectClose(standard);
    const tags = (await call(way, ffi.virDomainMemoryStats, domain, 20)).map(({ tag }) => tag);
    expect(tags).toContain(ffi.VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON);
    expect(await call(way, ffi.virDomainMemoryStats, domain, 2)).toHaveLength(2);
    expect(await call(way, ffi.virDomainGetDiskErrors, domain, 8)).toEqual([{ disk: 'vda', error: 1 }]);
  });

  test('lists that libvirt allocates', async () => {
    expect(await call(way, ffi.virConnectGetCPUModelNames, conn, 'x86_64')).toContain('Haswell');
    const filesystems = await call(way, ffi.virDomainGetFSInfo, domain);
    expect(filesystems[0]).toEqual({ mountpoint: '/', name: 'vda1', fstype: 'ext4', devAlias: ['vda'] });
    const threads = await call(way, ffi.virDomainGetIOThreadInfo, domain);
    expect(threads.map(({ iothread_id }) => iothread_id)).toEqual([1, 2]);
    expect(threads[0]?.cpumap).toBeInstanceOf(Uint8Array);
    expect(await call(way, ffi.virDomainInterfaceAddresses, domain, 0)).toEqual([
      { name: 'testnet0', hwaddr: '52:54:00:00:00:01', addrs: [{ type: 0, addr: expect.any(String), prefix: 24 }] },
    ]);
    const statistics = await call(way, ffi.virNodeGetCPUStats, conn, -1);
    expect(statistics.map(({ field }) => field).sort()).toEqual(['idle', 'iowait', 'kernel', 'user']);
  });

  test('matrices', async () => {
    const { info, cpumaps } = await call(way, ffi.virDomainGetVcpus, domain, 4, 2);
    expect(info.map(({ number }) => number)).toEqual([0, 1]);
    expect(cpumaps.map(({ length }) => length)).toEqual([2, 2]);
    expect((await call(way, ffi.virDomainGetVcpus, domain, 4, 0)).cpumaps).toEqual([]);
    await call(way, ffi.virDomainPinVcpu, domain, 1, Uint8Array.of(0b101));
    expect(await call(way, ffi.virDomainGetVcpuPinInfo, domain, 4, 1)).toContainEqual(Uint8Array.of(0b101));
    const cpus = await call(way, ffi.virDomainGetCPUStats, domain, 0, 0);
    expect(cpus).toHaveLength(2);
    expect(Object.keys(cpus[0] ?? {}).sort()).toEqual(['cpu_time', 'vcpu_time']);
    expect(await call(way, ffi.virDomainGetCPUStats, domain, 1, 1)).toHaveLength(1);
    const [total] = await call(way, ffi.virDomainGetCPUStats, domain, -1, 1);
    expect(Object.keys(total ?? {}).sort()).toEqual(['cpu_time', 'system_time', 'user_time']);
    expect(await call(way, ffi.virNodeGetCPUMap, conn)).toEqual({ cpus: 8, cpumap: Uint8Array.of(21), online: 3 });
    expect(await call(way, ffi.virNodeGetFreePages, conn, [4, 2048], 0, 2)).toHaveLength(2);
  });

  test('statistics of many domains, each of which stays', async () => {
    const [record, ...more] = await call(way, ffi.virConnectGetAllDomainStats, conn, ffi.VIR_DOMAIN_STATS_STATE);
    expect(more).toEqual([]);
    expect(record?.params).toEqual({ 'state.state': 1, 'state.reason': expect.any(Number) });
    if (record === undefined) throw new Error('no record');
    expect(ffi.virDomainGetName(record.dom)).toBe('gäst');
    ffi.virDomainFree(record.dom);
    const asked = await call(way, ffi.virDomainListGetStats, [domain, domain], 0);
    expect(asked.map(({ dom }) => ffi.virDomainGetName(dom))).toEqual(['gäst', 'gäst']);
    for (const { dom } of asked) ffi.virDomainFree(dom);
  });

  test('snapshots: names, handles, parents', async () => {
    const snapshot = (name: string) =>
      call(way, ffi.virDomainSnapshotCreateXML, domain, `<domainsnapshot><name>${name}</name></domainsnapshot>`);
    const [first, second] = [await snapshot('eins'), await snapshot('zwei')];
    expect(await call(way, ffi.virDomainSnapshotNum, domain)).toBe(2);
    expect((await call(way, ffi.virDomainSnapshotListNames, domain, 8)).sort()).toEqual(['eins', 'zwei']);
    expect(await call(way, ffi.virDomainSnapshotListChildrenNames, first, 8)).toEqual(['zwei']);
    const parent = await call(way, ffi.virDomainSnapshotGetParent, second);
    expect(await call(way, ffi.virDomainSnapshotGetName, parent)).toBe('eins');
    const found = await call(way, ffi.virDomainListAllSnapshots, domain);
    expect(found).toHaveLength(2);
    for (const one of [...found, parent]) ffi.virDomainSnapshotFree(one);
    for (const one of [second, first]) {
      await call(way, ffi.virDomainSnapshotDelete, one);
      ffi.virDomainSnapshotFree(one);
    }
  });

  test('typed parameters are read and set as plain objects', async () => {
    const { virDomainSetSchedulerParameters: set, virDomainGetSchedulerParameters: get } = ffi;
    await call(way, set, domain, { weight: 77 });
    expect(await call(way, get, domain)).toMatchObject({ weight: expect.any(Number) });
    const live = ffi.VIR_DOMAIN_AFFECT_LIVE;
    await call(way, ffi.virDomainSetMemoryParameters, domain, { hard_limit: 2 ** 40, soft_limit: 2n ** 41n }, live);
    expect(await call(way, ffi.virDomainGetMemoryParameters, domain, live)).toMatchObject({
      ...{ hard_limit: 2 ** 40, soft_limit: 2 ** 41 },
    });
    const weights = { weight: 500, device_weight: '/dev/sda,300,/dev/sdb,400' };
    await call(way, ffi.virDomainSetBlkioParameters, domain, weights, live);
    expect(await call(way, ffi.virDomainGetBlkioParameters, domain, live)).toMatchObject(weights);
    const limits = { total_bytes_sec: 1234567, total_bytes_sec_max: 2345678, group_name: 'grüppe' };
    await call(way, ffi.virDomainSetBlockIoTune, domain, 'vda', limits, live);
    expect(await call(way, ffi.virDomainGetBlockIoTune, domain, 'vda', live)).toMatchObject(limits);
    const bandwidth = { 'inbound.average': 1000, 'outbound.peak': 3000, 'outbound.average': 2000 };
    await call(way, ffi.virDomainSetInterfaceParameters, domain, 'testnet0', bandwidth, live);
    expect(await call(way, ffi.virDomainGetInterfaceParameters, domain, 'testnet0', live)).toMatchObject(bandwidth);
    await call(way, ffi.virDomainSetPerfEvents, domain, { cpu_cycles: true }, live);
    expect(await call(way, ffi.virDomainGetPerfEvents, domain, live)).toMatchObject({ cpu_cycles: true, cmt: false });
  });

  test('a value is given the type that it says, or else the one that libvirt documents', async () => {
    const set = (hard_limit: ffi.TypedInput) =>
      call(way, ffi.virDomainSetMemoryParameters, domain, { hard_limit }, ffi.VIR_DOMAIN_AFFECT_LIVE);
    await set({ type: 'ullong', value: 4096 });
    await expect(set({ type: 'int', value: 4096 })).rejects.toMatchObject({ code: ffi.VIR_ERR_INVALID_ARG });
    await expect(call(way, ffi.virDomainSetMemoryParameters, domain, { unheard_of: 1 })).rejects.toMatchObject({
      code: ffi.VIR_ERR_ARGUMENT_UNSUPPORTED,
    });
  });

  test('lists of typed parameters in C memory', async () => {
    let list = { params: null as ffi.Pointer<'virTypedParameter'> | null, nparams: 0, maxparams: 0 };
    const { virTypedParamsAddInt: addInt, virTypedParamsAddString: addString } = ffi;
    list = await call(way, addInt, list.params, list.nparams, list.maxparams, 'eins', -1);
    list = await call(way, addString, list.params, list.nparams, list.maxparams, 'zwei', 'größer');
    expect(list.nparams).toBe(2);
    if (list.params === null) throw new Error('no list');
    expect(await call(way, ffi.virTypedParamsGetInt, list.params, 2, 'eins')).toBe(-1);
    expect(await call(way, ffi.virTypedParamsGetString, list.params, 2, 'zwei')).toBe('größer');
    expect(await call(way, ffi.virTypedParamsGetInt, list.params, 2, 'drei')).toBeNull();
    await call(way, ffi.virTypedParamsFree, list.params, 2);
  });

  test('memory of the guest', async () => {
    expect(await call(way, ffi.virDomainMemoryPeek, domain, 0, 8, ffi.VIR_MEMORY_VIRTUAL)).toHaveLength(8);
  });

  test('what nothing is known of is null', async () => {
    const device = await call(way, ffi.virNodeDeviceLookupByName, conn, 'scsi_host9');
    expect(await call(way, ffi.virNodeDeviceGetParent, device)).toBe('computer');
    ffi.virNodeDeviceFree(device);
    expect(await call(way, ffi.virDomainGetID, domain)).toBe(1);
    const xml = `<domain type='test'><name>off</name><memory>1024</memory><os><type>hvm</type></os></domain>`;
    const off = await call(way, ffi.virDomainDefineXML, conn, xml);
    expect(await call(way, ffi.virDomainGetID, off)).toBe(-1);
    ffi.virDomainUndefine(off);
    ffi.virDomainFree(off);
  });
});

test('structs are read as their fields say', () => {
  const all = Object.values(structs);
  expect(all.length).toBeGreaterThan(20);
  for (const { fields, read, size, strings } of all) {
    const simple = fields.every(({ name }) => !['devAlias', 'addrs', 'cpumap', 'params', 'identities'].includes(name));
    if (!simple) continue;
    const view = new DataView(randomBytes(size).buffer.slice(0, size));
    for (const offset of strings) view.setBigUint64(offset, 0n);
    expect(read(view, 0)).toEqual(Object.fromEntries(fields.map((one) => [one.name, one.read(view, one.offset)])));
  }
});

/** A list with one value, read back from C. */
async function parametersInMemory(
  way: (typeof ways)[number],
  given: ffi.TypedValue,
): Promise<ffi.TypedParameterValues> {
  const list = await call(way, ffi.virTypedParamsAddULLong, null, 0, 0, 'cpu_shares', given.value as bigint);
  if (list.params === null) throw new Error('no list');
  const cpu_shares = await call(way, ffi.virTypedParamsGetULLong, list.params, 1, 'cpu_shares');
  ffi.virTypedParamsFree(list.params, 1);
  return { cpu_shares: cpu_shares ?? 0 };
}
