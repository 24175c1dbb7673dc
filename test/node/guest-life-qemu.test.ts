// The life of a real qemu guest on qemu:///system, through the classes, under a policy: what an operator's program does.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { PolicyDocument } from '../../src/policy/document.js';
import { echoGuestXml, makeEchoDisk } from '../support/guests.js';
import { type Daemon, startDaemon, whyNoDaemon } from '../support/libvirtd.js';
import { runScript } from '../support/node_api.js';
import { temporaryFolder } from '../support/paths.js';
import { imageFile } from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const whyNot = whyNoDaemon();
const withDaemon = requireThat(whyNot === undefined, whyNot ?? '');
const workplace = temporaryFolder('guest-life');

/** An operator may do all with guests and volumes, but not move guests elsewhere. */
const policy: PolicyDocument = {
  name: 'operator',
  mode: 'enforcing',
  defaults: { '*': 'allow' },
  audit: { netlink: false },
  rules: [{ id: 'guests-stay', effect: 'deny', actions: ['domain.migrate'] }],
};

const script = (uri: string, xml: string, pool: string) => `
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const connection = await Connection.open(${JSON.stringify(uri)});
report(['connected', await connection.getType()]);

const events = await connection.domainEvents('lifecycle').ready();
const seen = [];
const watching = (async () => {
  for await (const { domain, eventName } of events) {
    seen.push([await domain.name(), eventName.replace('VIR_DOMAIN_EVENT_', '')]);
    if (eventName === 'VIR_DOMAIN_EVENT_UNDEFINED') break;
  }
})();

const domain = await connection.defineXML(${JSON.stringify(xml)});
await domain.createWithFlags(constants.VIR_DOMAIN_START_PAUSED);
const terminal = await domain.openConsoleStream();
let said = '';
terminal.setEncoding('latin1').on('data', (text) => { said += text; });
const hear = async (text) => { while (!said.includes(text)) await once(terminal, 'data'); };
await domain.resume();
await hear('ready');
terminal.write('hello, guest\\r');
await hear('HELLO, GUEST');
report(['console', said.trim()]);

await domain.suspend();
report(['suspended', (await domain.state()).state === constants.VIR_DOMAIN_PAUSED]);
await domain.resume();
report(['resumed', (await domain.state()).state === constants.VIR_DOMAIN_RUNNING]);

const snapshot = await domain.snapshotCreateXML('<domainsnapshot><name>before</name></domainsnapshot>');
report(['snapshot', await domain.snapshotListNames()]);
terminal.write('after the snapshot\\r');
await hear('AFTER THE SNAPSHOT');

const pool = await connection.storagePoolCreateXML(${JSON.stringify(pool)});
const data = randomBytes(64 * 2 ** 20);
const volume = await pool.createXML(\`<volume><name>data</name><capacity>\${data.length}</capacity></volume>\`);
await pipeline(Readable.from([data.subarray(0, 9_999), data.subarray(9_999)]), volume.createWriteStream());
const hash = createHash('sha256');
for await (const part of volume.createReadStream()) hash.update(part);
report(['volume', hash.digest('hex') === createHash('sha256').update(data).digest('hex')]);
await volume.delete();
await pool.destroy();

const refusal = await virtshim.withActor({ user: 'alice', reason: 'ticket 7' }, () =>
  domain.migrateToURI3('qemu+ssh://elsewhere/system', {}, constants.VIR_MIGRATE_LIVE).catch((error) => error));
report(['migration', refusal instanceof PolicyDeniedError, refusal.rule, refusal.functionName, refusal.recordId]);
report(['still there', (await domain.state()).state === constants.VIR_DOMAIN_RUNNING]);

await snapshot.delete();
const closed = once(terminal, 'close');
await domain.destroy();
await closed;
await domain.undefine();
await watching;
report(['events', seen]);
report(['gone', (await connection.lookupByName(await domain.name()).catch((error) => error)).code === constants.VIR_ERR_NO_DOMAIN]);
await connection.close();
`;

describe('a guest of qemu:///system', () => {
  let daemon: Daemon;

  beforeAll(async () => {
    if (whyNot === undefined) daemon = await startDaemon({ cache: join(workplace, 'cache') });
  });

  afterAll(() => daemon?.stop());

  withDaemon('lives and ends under a policy', async () => {
    const name = `life-${randomUUID().slice(0, 8)}`;
    const disk = convert(makeEchoDisk(join(workplace, 'life.raw')), join(workplace, 'life.qcow2'));
    const target = join(workplace, 'pool');
    mkdirSync(target);
    const pool = `<pool type='dir'><name>${name}</name><target><path>${target}</path></target></pool>`;
    const text = script(daemon.uri, echoGuestXml(name, randomUUID(), disk, 'qcow2'), pool);
    const { reports, records } = runScript(text, { policy: await imageFile(policy), timeout: 100_000 });
    const told = new Map((reports as [string, ...unknown[]][]).map(([what, ...rest]) => [what, rest]));
    const [, , , recordId] = told.get('migration') ?? [];
    expect(Object.fromEntries(told)).toEqual({
      connected: ['QEMU'],
      console: ['ready\r\nHELLO, GUEST'],
      suspended: [true],
      resumed: [true],
      snapshot: [['before']],
      volume: [true],
      migration: [true, 'guests-stay', 'virDomainMigrateToURI3', expect.stringMatching(/^[0-9a-f]{16}$/)],
      'still there': [true],
      events: [expect.any(Array)],
      gone: [true],
    });
    expectLife(told.get('events')?.[0], name);
    const refused = records.filter(({ rid }) => rid === recordId);
    expect(refused.map(({ root, event, effect }) => [root, event, effect])).toEqual([
      ['methodresponse', 'virDomainMigrateToURI3', 'denied'],
    ]);
    expect(refused[0]).toMatchObject({ rule: 'guests-stay', resource: { kind: 'domain', name } });
    expect(refused[0]?.line).toContain('alice');
    expect(refused[0]?.line).toContain('ticket 7');
  });
});

/** All events are the guest's, and the steps of its life come in their order; some come more than once. */
function expectLife(events: unknown, name: string): void {
  const list = events as [string, string][];
  expect(new Set(list.map(([whose]) => whose))).toEqual(new Set([name]));
  const steps = ['DEFINED', 'STARTED', 'SUSPENDED', 'RESUMED', 'STOPPED', 'UNDEFINED'];
  const firsts = steps.map((step) => list.findIndex(([, event]) => event === step));
  expect(firsts.every((at) => at >= 0)).toBe(true);
  expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
}

/** The same disk in a format that has snapshots. */
function convert(raw: string, path: string): string {
  const run = spawnSync('qemu-img', ['convert', '-O', 'qcow2', raw, path], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`qemu-img: ${run.stderr}`);
  return path;
}
