// withActor and withReason: every call is recorded for whom it was made, however calls and users mix.
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseRecord, type TrailRecord } from '../../src/trail/index.js';
import { runScript, type ScriptOptions } from '../support/node_api.js';
import { deny, imageFile, permissiveExcept } from '../support/shim.js';
import { trailLines } from '../support/trail_checks.js';

const prelude = `const { withActor, withReason, currentActor } = virtshim;
`;

interface Seen {
  readonly reports: readonly unknown[];
  readonly records: readonly TrailRecord[];
}

function seen(script: string, options: ScriptOptions = {}): Seen {
  const { reports, trail } = runScript(prelude + script, options);
  return { reports, records: trailLines(trail).map(parseRecord) };
}

/** What the outcomes of the function's calls assert, in their order. */
const asserted = ({ records }: Seen, event: string) =>
  records.filter((record) => record.type === 'methodresponse' && record.event === event).map((one) => one.asserted);

/** A policy under which every call leaves its records. */
const recordsAll = () =>
  imageFile(permissiveExcept([], { audit: { netlink: false, levels: { 'vir*': 'request-response' } } }));

test('the very first call, sync and async', () => {
  const sync = seen(`withActor({ user: 'alice' }, () => Connection.openSync('test:///default'));`);
  expect(asserted(sync, 'virConnectOpen')).toEqual([{ actor: 'alice' }]);
  const async = seen(`await withActor({ user: 'alice' }, () => Connection.open('test:///default'));`);
  expect(asserted(async, 'virConnectOpen')).toEqual([{ actor: 'alice' }]);
});

test('sync and async calls, across awaits, timers and events; nothing outside', () => {
  const all = seen(`
    const { EventEmitter } = await import('node:events');
    const domain = Connection.openSync('test:///default').lookupByNameSync('test');
    const set = (on) => domain.setAutostartSync(on);
    set(true);
    await withActor({ user: 'alice', via: 'shop', reason: 'order 7' }, async () => {
      set(true);
      await domain.setAutostart(true);
      await sleep(2);
      set(true);
      await new Promise((resolve) => setImmediate(() => resolve(set(true))));
      const emitter = new EventEmitter().on('x', () => set(true));
      emitter.emit('x');
    });
    set(true);
    await domain.setAutostart(true);
  `);
  const alice = { actor: 'alice', via: 'shop', reason: 'order 7' };
  const wanted = [undefined, alice, alice, alice, alice, alice, undefined, undefined];
  expect(asserted(all, 'virDomainSetAutostart')).toEqual(wanted);
});

test('inner actors and reasons add to outer ones, and end with their function', () => {
  const all = seen(`
    const domain = Connection.openSync('test:///default').lookupByNameSync('test');
    const set = () => { domain.setAutostartSync(true); report(currentActor() ?? null); };
    withReason('night run', () => {
      set();
      withActor({ user: 'bob', via: 'shop' }, () => {
        set();
        withReason('ticket 1', set);
        withActor({ user: 'carol' }, set);
        withActor({ via: '', reason: '' }, set);
      });
      assert.throws(() => withActor({ user: 'eve' }, () => { throw new Error('x'); }), /^Error: x$/);
      set();
    });
    set();
  `);
  const wanted = [
    { reason: 'night run' },
    { actor: 'bob', via: 'shop', reason: 'night run' },
    { actor: 'bob', via: 'shop', reason: 'ticket 1' },
    { actor: 'carol', via: 'shop', reason: 'night run' },
    { actor: 'bob' },
    { reason: 'night run' },
    undefined,
  ];
  expect(asserted(all, 'virDomainSetAutostart')).toEqual(wanted);
  expect(all.reports).toEqual(
    wanted.map((one) => {
      const { actor, ...rest } = one ?? {};
      return one === undefined ? null : { ...(actor === undefined ? {} : { user: actor }), ...rest };
    }),
  );
});

test('hundreds of users at once, sync and async: each call for its own user', async () => {
  const script = `
    const connection = await Connection.open('test:///default');
    const look = async (user, i) => {
      await sleep(i % 7);
      for (let call = 0; call < 5; call++) {
        await assert.rejects(connection.lookupByName(\`\${user}/\${call}\`), LibvirtError);
        assert.throws(() => connection.lookupByNameSync(\`\${user}/sync\`), LibvirtError);
      }
    };
    const users = Array.from({ length: 300 }, (_, i) => \`user-\${i}\`);
    const nobodys = Array.from({ length: 50 }, (_, i) => look('nobody', i));
    await Promise.all([...users.map((user, i) => withActor({ user }, () => look(user, i))), ...nobodys]);`;
  const { records } = seen(script, { policy: await recordsAll() });
  const looked = records.filter(({ event }) => event === 'virDomainLookupByName');
  expect(looked).toHaveLength(2 * 350 * 10);
  const wrong = looked.filter(({ asserted, params }) => {
    const name = params.find((param) => param.name === 'name')?.text ?? '';
    return `${asserted?.actor ?? 'nobody'}` !== name.split('/')[0];
  });
  expect(wrong).toEqual([]);
});

test('calls by other bindings on the same thread are nobody’s', () => {
  const all = seen(
    `const { createRequire } = await import('node:module');
    const koffi = createRequire('${process.cwd()}/')('koffi');
    const connection = Connection.openSync('test:///default');
    const domain = connection.lookupByNameSync('test');
    const foreign = koffi.load('libvirt.so.0').func('int virDomainSetAutostart(void *domain, int on)');
    withActor({ user: 'alice' }, () => domain.setAutostartSync(true));
    foreign(domain.pointer, 1);
    await withActor({ user: 'alice' }, async () => {
      await sleep(1);
      domain.setAutostartSync(true);
    });
    await sleep(1);
    foreign(domain.pointer, 1);`,
    { preload: true },
  );
  expect(asserted(all, 'virDomainSetAutostart')).toEqual([
    { actor: 'alice' },
    undefined,
    { actor: 'alice' },
    undefined,
  ]);
});

test('a worker speaks for itself', () => {
  const code = `
    const { workerData } = await import('node:worker_threads');
    import('${join(process.cwd(), 'dist/index.js')}').then(({ Connection, withActor }) => {
      const domain = Connection.openSync('test:///default').lookupByNameSync('test');
      domain.setAutostartSync(true);
      withActor({ user: workerData }, () => domain.setAutostartSync(true));
    });`;
  const all = seen(`
    const { Worker } = await import('node:worker_threads');
    const { once } = await import('node:events');
    const domain = Connection.openSync('test:///default').lookupByNameSync('test');
    await withActor({ user: 'main' }, async () => {
      await once(new Worker(${JSON.stringify(code)}, { eval: true, workerData: 'worker' }), 'exit');
      domain.setAutostartSync(true);
    });`);
  expect(asserted(all, 'virDomainSetAutostart')).toEqual([undefined, { actor: 'worker' }, { actor: 'main' }]);
});

test('the refusal of a call stands for its user, too', async () => {
  const policy = await imageFile(permissiveExcept([deny('no', ['virDomainDestroy'])]));
  const all = seen(
    `const domain = await (await Connection.open('test:///default')).lookupByName('test');
    await withActor({ user: 'alice', via: 'shop' }, () => assert.rejects(domain.destroy(), PolicyDeniedError));`,
    { policy },
  );
  expect(asserted(all, 'virDomainDestroy')).toEqual([{ actor: 'alice', via: 'shop' }]);
});

describe('what is no text', () => {
  test.each([
    ['a number', '{ user: 7 }', '`user` of withActor must be a text without NUL characters, not `7`'],
    ['null', '{ via: null }', '`via` of withActor must be a text without NUL characters, not null'],
    [
      'NUL',
      `{ reason: 'a\\0b' }`,
      '`reason` of withActor must be a text without NUL characters, not a string with a NUL character',
    ],
  ])('%s is refused', (_what, actor, message) => {
    const { reports } = runScript(`
      try { virtshim.withActor(${actor}, () => report('ran')); } catch ({ code, message }) { report({ code, message }); }`);
    expect(reports).toEqual([{ code: 'VIRTSHIM_ARGUMENT', message }]);
  });
});
