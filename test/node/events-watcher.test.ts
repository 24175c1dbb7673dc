// Events of libvirt as an EventEmitter.
import { describe, expect, test } from '@jest/globals';
import { runScript, type ScriptOptions } from '../support/node_api.js';
import { deny, imageFile, permissiveExcept } from '../support/shim.js';
import { learningPolicy } from '../support/transparency.js';

const prelude = `
import { once } from 'node:events';
const connection = await Connection.open('test:///default');
const domain = await connection.lookupByName('test');
const toggle = async () => { await domain.suspend(); await domain.resume(); await sleep(20); };
`;

function run(text: string, options?: ScriptOptions) {
  const outcome = runScript(prelude + text, options);
  const calls = outcome.records.filter(({ root }) => root === 'methodresponse').map(({ event }) => event);
  const count = (event: string) => calls.filter((each) => each === event).length;
  return {
    reports: outcome.reports,
    registered: count('virConnectDomainEventRegisterAny'),
    deregistered: count('virConnectDomainEventDeregisterAny'),
  };
}

describe('a watcher', () => {
  test('asks for an event when its first listener comes, and no more when the last has gone', async () => {
    const { reports, registered, deregistered } = run(
      `
      const watcher = connection.watch('domain');
      const seen = [];
      const first = ({ eventName }) => seen.push('first ' + eventName);
      const second = ({ eventName }) => seen.push('second ' + eventName);
      await watcher.on('lifecycle', first).on('lifecycle', second).ready();
      await toggle();
      await until(() => seen.length === 4);
      watcher.off('lifecycle', first);
      await toggle();
      await until(() => seen.length === 6);
      watcher.off('lifecycle', second);
      await watcher.close();
      await toggle();
      report(seen.map((each) => each.replace('VIR_DOMAIN_EVENT_', '')));
      `,
      { policy: await learningPolicy() },
    );
    const both = ['first SUSPENDED', 'second SUSPENDED', 'first RESUMED', 'second RESUMED'];
    expect(reports).toEqual([[...both, 'second SUSPENDED', 'second RESUMED']]);
    expect([registered, deregistered]).toEqual([1, 1]);
  });

  test('serves once(), removeAllListeners() and listeners that come back', async () => {
    const { reports, registered, deregistered } = run(
      `
      const watcher = connection.watch('domain', { domain });
      const next = once(watcher, 'lifecycle');
      await watcher.ready();
      await toggle();
      report((await next)[0].eventName);
      let seen = 0;
      await watcher.on('lifecycle', () => seen++).on('reboot', () => {}).ready();
      await toggle();
      await until(() => seen === 2);
      watcher.removeAllListeners();
      // Else libvirt 9.0 may lose all later events: docs/node.md.
      await watcher.close();
      await toggle();
      report([seen, watcher.listenerCount('lifecycle'), watcher.listenerCount('reboot')]);
      await watcher.on('lifecycle', () => seen++).ready();
      await toggle();
      await until(() => seen === 4);
      await watcher.close();
      report(seen);
      `,
      { policy: await learningPolicy() },
    );
    expect(reports).toEqual(['VIR_DOMAIN_EVENT_SUSPENDED', [2, 0, 0], 4]);
    expect([registered, deregistered]).toEqual([4, 4]);
  });

  test('is asked for an event again before libvirt has let go of the first registration', async () => {
    const { reports, registered, deregistered } = run(
      `
      const watcher = connection.watch('domain');
      let seen = 0;
      const listener = () => seen++;
      await watcher.on('lifecycle', listener).ready();
      watcher.off('lifecycle', listener);
      await watcher.on('lifecycle', listener).ready();
      await toggle();
      await until(() => seen === 2);
      watcher.off('lifecycle', listener);
      await watcher.close();
      await toggle();
      report(seen);
      `,
      { policy: await learningPolicy() },
    );
    expect(reports).toEqual([2]);
    expect([registered, deregistered]).toEqual([2, 2]);
  });

  test('of networks', () => {
    const { reports } = run(`
      let seen = 0;
      const watcher = await connection.watch('network').on('lifecycle', ({ network, eventName }) => {
        report([network.nameSync(), eventName]);
        seen++;
      }).ready();
      await (await connection.networkLookupByName('default')).destroy();
      await until(() => seen > 0);
      await watcher.close();
    `);
    expect(reports).toEqual([['default', 'VIR_NETWORK_EVENT_STOPPED']]);
  });

  test('lets go when the connection is closed', async () => {
    const { registered, deregistered } = run(
      `
      const watcher = connection.watch('domain').on('lifecycle', () => {}).on('rtcChange', () => {});
      await watcher.ready();
      await connection.close();
      `,
      { policy: await learningPolicy() },
    );
    expect([registered, deregistered]).toEqual([2, 2]);
  });

  test('emits an error where a policy refuses the events', async () => {
    const policy = await imageFile(permissiveExcept([deny('no-events', ['virConnectDomainEventRegisterAny'])]));
    const { reports } = run(
      `
      const watcher = connection.watch('domain');
      const failed = once(watcher, 'error');
      watcher.on('lifecycle', () => {});
      report((await failed)[0] instanceof PolicyDeniedError);
      `.replace("once(watcher, 'error')", "new Promise((resolve) => watcher.on('error', (error) => resolve([error])))"),
      { policy },
    );
    expect(reports).toEqual([true]);
  });
});
