// The classes on a libvirtd and a qemu guest of the test's own: what the test driver does not have.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { type Daemon, guestXml, makeImage, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { runScript } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');
const workplace = temporaryFolder('classes-libvirtd');
let daemon: Daemon;

beforeAll(async () => {
  if (whyNot === undefined) daemon = await startDaemon({ cache: join(workplace, 'cache') });
});

afterAll(() => daemon?.stop());

function run(text: string) {
  const open = `const connection = await Connection.open(${JSON.stringify(daemon.uri)});\n`;
  return runScript(open + text, { timeout: 100_000 }).reports;
}

describe('on qemu:///system', () => {
  withDaemon('the life of a guest', () => {
    const disk = makeImage(join(workplace, 'guest.qcow2'), '16M');
    const reports = run(`
      const domain = await connection.defineXML(${JSON.stringify(guestXml('life', randomUUID(), disk))});
      await domain.create();
      report([(await domain.state()).state, await domain.OSType(), await domain.maxMemory()]);
      await domain.suspend();
      report((await domain.state()).state);
      await domain.resume();
      report(JSON.parse(await domain.qemuMonitorCommand('{"execute":"query-status"}')).return.status);
      report(Object.keys(await domain.blockStatsFlags('vda')).includes('rd_bytes'));
      report([(await domain.vcpus()).info.length, (await domain.vcpuPinInfo()).length, (await domain.jobInfo()).type]);
      await domain.setBlockIoTune('vda', { total_bytes_sec: 2 ** 40 });
      report((await domain.blockIoTune('vda')).total_bytes_sec);
      const snapshot = await domain.snapshotCreateXML('<domainsnapshot><name>s</name></domainsnapshot>');
      report([await snapshot.getName(), await snapshot.hasMetadata(), await domain.snapshotListNames()]);
      await snapshot.delete();
      const checkpoint = await domain.checkpointCreateXML('<domaincheckpoint><name>c</name></domaincheckpoint>');
      report([await checkpoint.getName(), await (await domain.checkpointLookupByName('c')).getName()]);
      report((await checkpoint.getXMLDesc()).startsWith('<domaincheckpoint>'));
      await checkpoint.delete();
      const failure = await domain.rename('other').catch((error) => error);
      report([failure instanceof LibvirtError, failure.functionName]);
      await domain.destroy();
      await domain.undefine();
      report(await connection.listDefinedDomains());
    `);
    expect(reports).toEqual([
      [1, 'hvm', 65536],
      3,
      'running',
      true,
      [1, 1, 0],
      2 ** 40,
      ['s', true, ['s']],
      ['c', 'c'],
      true,
      [true, 'virDomainRename'],
      [],
    ]);
  });

  withDaemon('secrets', () => {
    const reports = run(`
      const secret = await connection.secretDefineXML("<secret ephemeral='yes' private='no'><usage type='volume'><volume>/v</volume></usage></secret>");
      await secret.setValue(new Uint8Array([1, 2, 0, 255]));
      report([[...(await secret.value())], await secret.usageType(), await secret.usageID(), await connection.numOfSecrets()]);
      const found = await connection.secretLookupByUsage(1, '/v');
      report([(await found.UUIDString()) === (await secret.UUIDString()), await connection.listSecrets()].flat().length);
      await secret.undefine();
      report((await connection.listAllSecrets()).length);
    `);
    expect(reports).toEqual([[[1, 2, 0, 255], 1, '/v', 1], 2, 0]);
  });

  withDaemon('network filters', () => {
    const reports = run(`
      const filter = await connection.nwfilterDefineXML("<filter name='f' chain='root'><rule action='drop' direction='in' priority='500'/></filter>");
      report([await filter.name(), (await connection.listNWFilters()).includes('f'), (await connection.listAllNWFilters()).length > 0]);
      report(await (await connection.nwfilterLookupByUUID(await filter.UUID())).name());
      await filter.undefine();
      report(await connection.listAllNWFilterBindings());
    `);
    expect(reports).toEqual([['f', true, true], 'f', []]);
  });

  withDaemon('a pool with volumes on disk', () => {
    const reports = run(`
      const pool = await connection.storagePoolCreateXML("<pool type='dir'><name>p</name><target><path>${workplace}</path></target></pool>");
      const big = 2 ** 43 + 1024 * 4;
      const volume = await pool.createXML(\`<volume><name>v.qcow2</name><capacity>\${big}</capacity><target><format type='qcow2'/></target></volume>\`);
      report([(await volume.info()).capacity === big, await volume.path(), (await pool.listVolumes()).includes('v.qcow2')]);
      await volume.resize(big * 2);
      report((await volume.info()).capacity === big * 2);
      const info = await pool.info();
      report([info.state, Number(info.capacity) > Number(info.available)]);
      await volume.delete();
      await pool.destroy();
    `);
    expect(reports).toEqual([[true, join(workplace, 'v.qcow2'), true], true, [2, true]]);
  });

  withDaemon('the administration of the daemon', () => {
    const { reports } = runScript(`
      const { AdmConnection } = virtshim;
      const admin = await AdmConnection.open(${JSON.stringify(daemon.adminUri)});
      report([await admin.isAlive(), (await admin.listServers()).length, typeof (await admin.getLibVersion())]);
      const server = await admin.lookupServer('libvirtd');
      report([await server.name(), (await server.connect()) === admin, typeof (await server.clientLimits()).nclients_max]);
      await server.setClientLimits({ nclients_max: 1234 });
      report((await server.clientLimits()).nclients_max);
      const [client] = await (await admin.lookupServer('admin')).listClients();
      report([await client.transport(), await (await client.server()).name(), (await client.info()).readonly]);
      report([(await client.timestamp()) > 1_000_000_000, (await server.listClients()).length]);
      await assert.rejects(Connection.open('test:///default'), { code: 'VIRTSHIM_CONFLICT' });
      await admin.close();
      report((await server.threadPoolParameters()).minWorkers > 0);
    `);
    expect(reports).toEqual([
      [true, 2, 'number'],
      ['libvirtd', true, 'number'],
      1234,
      [0, 'admin', false],
      [true, 0],
      true,
    ]);
  });

  withDaemon('the administration is refused where libvirt would crash', () => {
    run(`
      const { AdmConnection } = virtshim;
      await assert.rejects(AdmConnection.open(${JSON.stringify(daemon.adminUri)}), { code: 'VIRTSHIM_CONFLICT' });
      assert.throws(() => AdmConnection.openSync(), { code: 'VIRTSHIM_CONFLICT' });
      assert.equal(await connection.isAlive(), true);
    `);
  });

  withDaemon('a connection with calls in flight is closed after them', () => {
    run(`
      const calls = Array.from({ length: 20 }, () => connection.getCapabilities());
      const order = [];
      calls.forEach((call) => call.then(() => order.push('call')));
      await connection.close().then(() => order.push('closed'));
      assert.equal(order.length, 21);
      assert.equal(order.at(-1), 'closed');
      await assert.rejects(connection.getHostname(), { code: 'VIRTSHIM_CLOSED' });
    `);
  });
});
