// Events from a libvirtd of the test's own: what the test driver never tells, and what becomes of a lost connection.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { echoGuestXml, makeEchoDisk } from '../support/guests.js';
import { type Daemon, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { runScript } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');
const workplace = temporaryFolder('events-libvirtd');
const cache = join(workplace, 'cache');
let daemon: Daemon;

beforeAll(async () => {
  if (whyNot === undefined) daemon = await startDaemon({ cache });
});

afterAll(() => daemon?.stop());

const prelude = (uri: string) => `
const connection = await Connection.open(${JSON.stringify(uri)});
const read = async (events, count) => {
  const seen = [];
  for await (const event of events) if (seen.push(event) === count) break;
  return seen;
};
const outcomeOf = (events) => (async () => { for await (const event of events) report(event); return 'ended'; })()
  .catch((error) => [error.code, error.message]);
`;

function run(text: string, uri = daemon.uri) {
  return runScript(prelude(uri) + text, { timeout: 100_000 }).reports;
}

describe('events of libvirtd', () => {
  withDaemon('of a qemu guest: its life, its settings, its monitor', () => {
    const name = `events-${randomUUID().slice(0, 8)}`;
    const xml = echoGuestXml(name, randomUUID(), makeEchoDisk(join(workplace, 'events.raw')));
    const reports = run(`
      const domain = await connection.defineXML(${JSON.stringify(xml)});
      const [life, metadata, tunable, monitor, stops] = await Promise.all([
        connection.domainEvents('lifecycle', { domain }).ready(),
        connection.domainEvents('metadataChange').ready(),
        connection.domainEvents('tunable').ready(),
        connection.qemuMonitorEvents({ domain }).ready(),
        connection.qemuMonitorEvents({ event: 'STOP' }).ready(),
      ]);
      await domain.create();
      await domain.suspend();
      await domain.setMetadata(constants.VIR_DOMAIN_METADATA_ELEMENT, '<a/>', 'k', 'urn:test', 0);
      await domain.setBlockIoTune('hda', { total_bytes_sec: 2 ** 40 });
      await domain.destroy();
      const names = (await read(life, 5)).map(({ eventName }) => eventName);
      report(names.filter((name) => name !== 'VIR_DOMAIN_EVENT_RESUMED'));
      report((await read(metadata, 1)).map(({ domain, type, nsuri }) => [domain.nameSync(), type, nsuri]));
      report((await read(tunable, 1)).map(({ params }) => params));
      const [first] = await read(monitor, 1);
      report([first.event, first.domain.nameSync(), first.details, first.seconds > 1e9, first.micros >= 0]);
      report((await read(stops, 1)).map(({ event, domain }) => [event, domain.nameSync()]));
      await domain.undefine();
    `);
    expect(reports).toEqual([
      ['STARTED', 'SUSPENDED', 'SHUTDOWN', 'STOPPED'].map((each) => `VIR_DOMAIN_EVENT_${each}`),
      [[name, 2, 'urn:test']],
      [{ 'blkdeviotune.disk': 'hda', 'blkdeviotune.total_bytes_sec': 2 ** 40 }],
      ['RESUME', name, null, true, true],
      [['STOP', name]],
    ]);
  });

  withDaemon('of secrets', () => {
    const reports = run(`
      const life = await connection.secretEvents('lifecycle').ready();
      const values = await connection.secretEvents('valueChanged').ready();
      const secret = await connection.secretDefineXML('<secret ephemeral="yes"><description>d</description></secret>');
      await secret.setValue(new Uint8Array([1, 2, 3]));
      await secret.undefine();
      const uuid = await secret.UUIDString();
      report((await read(life, 2)).map(({ secret, eventName }) => [secret.UUIDStringSync() === uuid, eventName]));
      report((await read(values, 1)).map((event) => [Object.keys(event), event.secret.UUIDStringSync() === uuid]));
    `);
    expect(reports).toEqual([
      [
        [true, 'VIR_SECRET_EVENT_DEFINED'],
        [true, 'VIR_SECRET_EVENT_UNDEFINED'],
      ],
      [[['secret'], true]],
    ]);
  });

  withDaemon('20 streams at once, ended in any order', () => {
    const reports = run(`
      const names = ['lifecycle', 'reboot', 'rtcChange', 'tunable'];
      const streams = Array.from({ length: 20 }, (_, i) => connection.domainEvents(names[i % names.length]));
      await Promise.all(streams.map((each) => each.ready()));
      await Promise.all(streams.filter((_, i) => i % 3 === 0).map((each) => each.return()));
      const again = await connection.domainEvents('lifecycle').ready();
      await Promise.all([...streams, again].map((each) => each.return()));
      const last = await connection.closeEvents().ready();
      report((await last.return()).done);
      await connection.close();
    `);
    expect(reports).toEqual([true]);
  });
});

describe('a connection', () => {
  withDaemon('that is lost ends its streams of events with an error, and says why', async () => {
    const doomed = await startDaemon({ cache });
    try {
      const reports = run(
        `
        const life = await connection.domainEvents('lifecycle').ready();
        const closing = await connection.closeEvents().ready();
        const watcher = connection.watch('connection').on('close', ({ reasonName }) => report(['watched', reasonName]));
        const failing = connection.watch('network').on('lifecycle', () => {});
        failing.on('error', (error) => report(['failed', error.code]));
        await Promise.all([watcher.ready(), failing.ready()]);
        process.kill(${doomed.pid}, 'SIGKILL');
        const ends = [await outcomeOf(life), await outcomeOf(closing)];
        report(ends);
        await connection.close();
        `,
        doomed.uri,
      );
      const reasonName = 'VIR_CONNECT_CLOSE_REASON_EOF';
      expect(reports).toHaveLength(4);
      expect(reports).toEqual(
        expect.arrayContaining([
          ['failed', 'VIRTSHIM_DISCONNECTED'],
          ['watched', reasonName],
          { reason: 1, reasonName },
          [['VIRTSHIM_DISCONNECTED', `the connection was lost: ${reasonName}`], 'ended'],
        ]),
      );
    } finally {
      await doomed.stop();
    }
  });

  withDaemon('that the program closes tells nothing of it', () => {
    const reports = run(`
      const closing = await connection.closeEvents().ready();
      const outcome = outcomeOf(closing);
      await connection.close();
      report(await outcome);
    `);
    expect(reports).toEqual(['ended']);
  });
});
