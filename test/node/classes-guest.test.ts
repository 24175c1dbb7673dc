import { describe, expect, test } from '@jest/globals';
import { runScript } from '../support/node_api.js';

const guest = `
const xml = (name, memory = 65536) => \`<domain type='test'><name>\${name}</name><memory>\${memory}</memory><vcpu>4</vcpu>
  <os><type>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest.img'/><target dev='vda'/></disk>
  </devices></domain>\`;
`;

describe('the life of a guest', () => {
  test('asynchronously', () => {
    const { reports } = runScript(`${guest}
      const { virDomainState: state, virDomainSnapshotListFlags } = constants;
      const connection = await Connection.open('test:///default');
      const domain = await connection.defineXML(xml('made'));
      report([await domain.name(), await domain.isActive(), await domain.isPersistent(), await domain.ID()]);
      await domain.create();
      report([(await domain.state()).state, await domain.isActive(), typeof (await domain.ID())]);
      await domain.suspend();
      report((await domain.state()).state);
      await domain.resume();
      const info = await domain.info();
      report([info.state, info.maxMem, info.nrVirtCpu]);

      await domain.setMemory(32768);
      report((await domain.info()).memory);
      await domain.setVcpus(2);
      report([await domain.vcpusFlags(), await domain.maxVcpus()]);
      await domain.setAutostart(true);
      report(await domain.autostart());
      await domain.setMetadata(0, 'what it is for');
      report([await domain.metadata(0), (await domain.XMLDesc()).includes('<description>what it is for')]);

      const snapshot = await domain.snapshotCreateXML('<domainsnapshot><name>first</name></domainsnapshot>');
      report([await snapshot.getName(), await snapshot.isCurrent(), await domain.snapshotNum()]);
      const second = await domain.snapshotCreateXML('<domainsnapshot><name>second</name></domainsnapshot>');
      report(await (await second.getParent()).getName());
      report(await Promise.all((await snapshot.listAllChildren()).map((each) => each.getName())));
      report((await domain.snapshotListNames()).sort());
      await domain.revertToSnapshot(snapshot);
      report(await (await domain.snapshotCurrent()).getName());
      await second.delete();
      report(await Promise.all((await domain.listAllSnapshots()).map((each) => each.getName())));
      await snapshot.delete();

      await domain.destroy();
      report([await domain.isActive(), (await domain.state()).state]);
      await domain.setAutostart(false);
      await domain.undefine();
      await assert.rejects(connection.lookupByName('made'), { name: 'LibvirtError', code: 42, functionName: 'virDomainLookupByName' });
      await connection.close();
    `);
    expect(reports).toEqual([
      ['made', false, true, -1],
      [1, true, 'number'],
      3,
      [1, 65536, 4],
      32768,
      [2, 4],
      true,
      ['what it is for', true],
      ['first', true, 1],
      'first',
      ['second'],
      ['first', 'second'],
      'first',
      ['first'],
      [false, 5],
    ]);
  });

  test('synchronously, with the same answers', () => {
    const { reports } = runScript(`${guest}
      const connection = Connection.openSync('test:///default');
      const domain = connection.defineXMLSync(xml('made'));
      domain.createSync();
      domain.suspendSync();
      report([domain.nameSync(), domain.stateSync(), domain.infoSync().nrVirtCpu]);
      domain.resumeSync();
      const snapshot = domain.snapshotCreateXMLSync('<domainsnapshot><name>first</name></domainsnapshot>');
      report([snapshot.getNameSync(), domain.snapshotListNamesSync().sort(), domain.listAllSnapshotsSync().length]);
      domain.revertToSnapshotSync(snapshot);
      domain.destroySync();
      report([domain.UUIDStringSync(), domain.isActiveSync(), connection.lookupByUUIDStringSync(domain.UUIDStringSync()).nameSync()]);
      domain.undefineFlagsSync(2);
      assert.throws(() => connection.lookupByNameSync('made'), LibvirtError);
      report([connection.listDefinedDomainsSync(), connection.listDomainsIDSync(), connection.numOfDomainsSync()]);
    `);
    const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(reports).toEqual([
      ['made', { state: 3, reason: 1 }, 4],
      ['first', ['first'], 1],
      [uuid, false, 'made'],
      [[], [1], 1],
    ]);
  });

  test('statistics, processors and typed parameters', () => {
    const { reports } = runScript(`
      const connection = await Connection.open('test:///default');
      const domain = await connection.lookupByName('test');
      const stats = await connection.getAllDomainStats();
      report([stats.length, await stats[0].dom.name(), stats[0].params['state.state']]);
      const [same] = await connection.domainListGetStats([domain]);
      report(await same.dom.name());
      const { info, cpumaps } = await domain.vcpus();
      report([info.length, cpumaps.length, cpumaps[0].length === Math.ceil((await connection.getCPUMap()).cpus / 8)]);
      report((await domain.vcpuPinInfo()).length);
      await domain.setSchedulerParameters({ weight: 77 });
      report(await domain.schedulerParameters());
      report((await domain.memoryStats()).find(({ tag }) => tag === constants.VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON));
      report(await domain.diskErrors());
      report(await domain.OSType());
    `);
    expect(reports.slice(0, 3)).toEqual([[1, 'test', 1], 'test', [2, 2, true]]);
    expect(reports[3]).toBe(2);
    expect(reports[4]).toMatchObject({ weight: expect.any(Number) });
    expect(reports[5]).toEqual({ tag: 6, val: 2097152 });
    expect(reports[6]).toEqual([{ disk: 'vda', error: 1 }]);
    expect(reports[7]).toBe('linux');
  });

  test('64-bit values in both directions', () => {
    const { reports } = runScript(`${guest}
      const connection = await Connection.open('test:///default');
      const domain = await connection.defineXML(xml('big', 1024));
      await domain.setMaxMemory(2 ** 40);
      report([await domain.maxMemory(), domain.maxMemorySync()]);
      await domain.setMaxMemory(2n ** 41n);
      report(domain.maxMemorySync());
      // The test driver's processor time is that of the clock, in nanoseconds.
      const { cpuTime } = await (await connection.lookupByName('test')).info();
      report([typeof cpuTime, cpuTime > BigInt(Date.now() - 60_000) * 1_000_000n]);
      await assert.rejects(domain.setMaxMemory(2n ** 64n), { code: 'VIRTSHIM_ARGUMENT' });
      assert.throws(() => domain.setMaxMemorySync(-1), { code: 'VIRTSHIM_ARGUMENT' });
      assert.throws(() => domain.setMaxMemorySync(0.5), { code: 'VIRTSHIM_ARGUMENT' });
    `);
    expect(reports[0]).toEqual([2 ** 40, 2 ** 40]);
    expect(reports[1]).toBe(2 ** 41);
    expect(reports[2]).toEqual(['bigint', true]);
  });
});
