// What stands in a guest's timeline: suspensions, refusals, differences of definitions; and who stopped it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { entryText } from '../../src/cli/report/entry_text.js';
import { timelineLines } from '../../src/cli/report/timeline_text.js';
import { whoText } from '../../src/cli/report/who_text.js';
import { buildTimeline } from '../../src/report/build_timeline.js';
import { CallLedger } from '../../src/report/call_ledger.js';
import type { CallEvent } from '../../src/report/event.js';
import { selectTimeline } from '../../src/report/timeline_selection.js';
import { trailEvents } from '../../src/report/trail_events.js';
import { findGuests, whoStopped } from '../../src/report/who.js';
import { readTrail } from '../../src/trail/read.js';
import { ALICE, BOB, DEMO, Life } from '../support/life.js';
import { deny, imageFile, permissiveExcept, runShimmed } from '../support/shim.js';
import { requireTool } from '../support/tools.js';
import { writeCalls } from '../support/trail_writer.js';

const nameOf = (uid: number) => ({ 0: 'root', 1000: 'alice', 1001: 'bob' })[uid] ?? String(uid);

describe('a suspension', () => {
  test('lasts from the end of the suspend to that of the resume; others in between change nothing', async () => {
    const life = new Life();
    const began = life.call(100, 'virDomainSuspend', { takes: 1 });
    life.call(110, 'virDomainSuspend');
    life.call(115, 'virDomainResume', { success: false });
    life.denied(116, 'virDomainResume');
    const ended = life.call(120, 'virDomainResume', { takes: 1 });
    life.call(130, 'virDomainResume');
    expect((await life.guest()).suspensions).toEqual([{ start: 101_000, end: 121_000, began, ended }]);
  });

  test('ends with its session, or goes on for all that is known', async () => {
    const life = new Life();
    life.start(0);
    const began = life.call(100, 'virDomainSuspend', { takes: 0 });
    const stop = life.stop(150, 'destroyed');
    const again = life.call(200, 'virDomainCreateWithFlags', { arguments: { flags: '1' }, takes: 1 });
    expect((await life.guest()).suspensions).toEqual([
      { start: 100_000, end: 150_000, began, ended: expect.objectContaining({ event: stop }) },
      { start: 201_000, began: again },
    ]);
  });

  test('ends with a destroy where libvirt recorded nothing', async () => {
    const life = new Life();
    life.call(100, 'virDomainSuspend', { takes: 0 });
    const ended = life.call(150, 'virDomainDestroy', { takes: 0 });
    expect((await life.guest()).suspensions).toMatchObject([{ end: 150_000, ended }]);
  });
});

describe('entries', () => {
  test('stand by time, each of its kind; calls that only ask are left out, unless they were refused', async () => {
    const life = new Life();
    life.call(90, 'virDomainCreate', { takes: 0.2 });
    life.start(90.1);
    life.call(100, 'virDomainGetInfo');
    life.denied(101, 'virDomainGetXMLDesc');
    life.denied(102, 'virDomainDestroy');
    life.call(103, 'virDomainSetMemory', { success: false });
    life.unanswered(104, 'virDomainReboot');
    life.resource(105, 'mem', 'update', { before: '1', after: '2' });
    life.resource(106, 'cgroup', 'allow', { after: '/x' });
    life.call(107, 'virNetworkDestroy', { guest: {}, target: { kind: 'network', name: 'default' } });
    life.stop(200, 'failed');
    const timeline = await life.timeline();
    expect(timeline.guests[0]?.entries.map(({ kind }) => kind)).toEqual([
      ...['call', 'start', 'denial', 'denial', 'failure', 'unanswered', 'resource', 'stop'],
    ]);
    expect(timeline.otherCalls.map(({ operation }) => operation)).toEqual(['virNetworkDestroy']);
  });

  test('a stop stands behind the call that made it, though the kernel stamps it earlier', async () => {
    const life = new Life();
    const suspended = life.call(99.998, 'virDomainSuspend', { takes: 0.001 });
    const destroyed = life.call(100, 'virDomainDestroy');
    const stop = life.stop(99.997, 'destroyed');
    const { entries } = await life.guest();
    expect(entries).toMatchObject([{ call: suspended }, { call: destroyed }, { event: stop, time: 99_997 }]);
  });

  test('are told in words, on one line, with nothing in them that steers a terminal', async () => {
    const life = new Life();
    life.call(0, 'virDomainCreate', { takes: 0.2 });
    life.start(0.1);
    life.call(10, 'virDomainShutdown', { rule: 'ops\u001b[2J' });
    life.stop(60, 'shutdown');
    const [start, request, stop, ...others] = [...timelineLines(await life.timeline(), nameOf)].map((line) =>
      line.slice(20),
    );
    expect([start, request, stop, ...others]).toEqual([
      expect.stringMatching(/^demo started \(booted\) by alice /),
      expect.stringMatching(/^demo virDomainShutdown by alice \(auid 1000\) as root, virsh, pid 4242, tty pts\/3, /),
      expect.stringMatching(/^demo stopped \(shutdown\) by .*, rule ops\\x1b\[2J, record 0{15}3\n$/),
    ]);
  });

  test('of the host, and of nobody, stand among them', async () => {
    const life = new Life();
    life.start(0);
    const proof = { source: 'audit', id: '50.000:1' } as const;
    life.events.push({ kind: 'boot', time: 50_000, order: 50, proof });
    const details = { seresult: 'denied', seperms: 'read', comm: 'evil\u001b[2J' };
    life.events.push({ kind: 'avc', type: 'AVC', time: 60_000, order: 60, proof, subject: {}, details });
    const lines = [...timelineLines(await life.timeline(), nameOf)].map((line) => line.slice(20));
    expect(lines.slice(1)).toEqual([
      'demo stopped before this, unrecorded: the host boots\n',
      'host boots\n',
      'AVC of no guest: denied read, evil\\x1b[2J\n',
    ]);
  });

  test('tell who asserts what, and whose log alone has it', async () => {
    const life = new Life();
    const asserted = { actor: 'mia', via: 'portal', reason: 'ticket 7' };
    life.audited(100, 'virDomainSuspend', { asserted, proof: { source: 'audit', id: '1.000:7' } });
    const { entries } = await life.guest();
    const [entry] = entries;
    expect(entry && entryText(entry, new Map(), nameOf)).toBe(
      'virDomainSuspend by alice (auid 1000) as root, for mia of portal as it asserts, because "ticket 7" as it ' +
        'asserts, virsh, pid 4242, tty pts/3, record 0000000000000001, audit event 1.000:7',
    );
  });

  test('can be selected by guest and time; what touches the time stays', async () => {
    const life = new Life();
    life.start(0);
    life.call(10, 'virDomainSuspend');
    life.call(100, 'virDomainSetMemory');
    life.call(100, 'virDomainSetMemory', { guest: { name: 'other' } });
    const selected = selectTimeline(await life.timeline(), { since: 90_000, until: 110_000, vm: 'demo' });
    expect(selected.guests).toMatchObject([{ guest: DEMO, sessions: [{}], suspensions: [{}], entries: [{}] }]);
    expect(selected.guests).toHaveLength(1);
  });
});

describe('what a call changed', () => {
  const disk = (file: string, dev = 'vda', more = '') =>
    `<disk type='file'><source file='${file}'/><target dev='${dev}'/>${more}</disk>`;
  const definition = (memory: string, devices: string) =>
    `<domain type='kvm'>\n  <name>demo</name><memory unit='MiB'>${memory}</memory>\n  <devices>${devices}</devices></domain>`;
  const define = (life: Life, at: number, xml: string, more = {}) =>
    life.call(at, 'virDomainDefineXML', { arguments: { xml }, ...more });

  async function changes(life: Life) {
    const { entries } = await life.guest();
    return entries.map((entry) => ('changes' in entry ? entry.changes : undefined));
  }

  test('is the difference to the definition before, by what identifies each device', async () => {
    const life = new Life();
    define(life, 1, definition('64', disk('/a.img') + disk('/b.img', 'vdb')));
    define(life, 2, definition('96', 'not this one'), { success: false });
    define(life, 3, definition('128', disk('/c.img', 'vdb') + disk('/a.img', 'vda', '<readonly/>')));
    expect((await changes(life)).slice(1)).toEqual([
      undefined,
      [
        { kind: 'changed', path: 'memory', before: '64', after: '128' },
        { kind: 'added', path: 'devices/disk[vda]/readonly', after: '<readonly/>' },
        { kind: 'changed', path: 'devices/disk[vdb]/source/@file', before: '/b.img', after: '/c.img' },
      ],
    ]);
  });

  test('is nothing where white space, quotes and order differ alone', async () => {
    const life = new Life();
    define(life, 1, '<domain a="1" b="2"><name>x</name><memory>1</memory></domain>');
    define(life, 2, "<domain b='2'  a='1'>\n\n<memory>1</memory><!-- c --><name>\n x</name></domain>");
    expect((await changes(life))[1]).toEqual([]);
  });

  test('is the device of an attach, an update and a detach; what goes into the definition is known from then on', async () => {
    const life = new Life();
    define(life, 1, definition('64', disk('/a.img')));
    const device = (at: number, operation: string, xml: string) =>
      life.call(at, operation, { arguments: { xml, flags: '2' } });
    device(2, 'virDomainAttachDeviceFlags', disk('/b.img', 'vdb'));
    device(3, 'virDomainUpdateDeviceFlags', disk('/c.img', 'vdb'));
    device(4, 'virDomainDetachDeviceFlags', "<disk><target dev='vdb'/></disk>");
    define(life, 5, definition('64', disk('/a.img')));
    life.call(6, 'virDomainUndefineFlags');
    const [, attached, updated, detached, defined, undefined_] = await changes(life);
    const path = 'devices/disk[vdb]';
    expect(attached).toMatchObject([{ kind: 'added', path, after: expect.stringContaining('/b.img') }]);
    expect(updated).toEqual([{ kind: 'changed', path: `${path}/source/@file`, before: '/b.img', after: '/c.img' }]);
    expect(detached).toMatchObject([{ kind: 'removed', path, before: expect.stringContaining('/c.img') }]);
    expect(defined).toEqual([]);
    expect(undefined_).toMatchObject([{ kind: 'removed', path: '' }]);
  });

  test('is not known of what is no document', async () => {
    const life = new Life();
    for (const [at, xml] of ['', '<domain><name>', 'not XML', `${'<a>'.repeat(200)}${'</a>'.repeat(200)}`].entries())
      define(life, at, xml);
    expect(await changes(life)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('who stopped a guest', () => {
  const answer = async (life: Life) =>
    whoText(whoStopped(await life.guest()), false, nameOf).replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'THEN');

  test('the last stop, who was refused before it, and that it runs again', async () => {
    const life = new Life();
    life.start(0);
    life.denied(50, 'virDomainDestroy', { subject: BOB });
    life.call(100, 'virDomainDestroy', { rule: 'ops-may-destroy' });
    life.stop(100.05, 'destroyed');
    life.start(200);
    expect(await answer(life)).toBe(
      `demo (${DEMO.uuid}) stopped (destroyed) THEN by alice (auid 1000) as root, virsh, pid 4242, tty pts/3, rule ` +
        'ops-may-destroy, record 0000000000000003\n' +
        '  before that refused: virDomainDestroy at THEN by bob (auid 1001), virt-manager, pid 5000, rule no, record ' +
        '0000000000000002\n' +
        '  it runs since THEN: started (booted), unattributed: nobody asked for it through the shim\n',
    );
  });

  test('nobody, several, a host that went down', async () => {
    const life = new Life();
    life.stop(100, 'failed');
    expect(await answer(life)).toMatch(
      /stopped \(failed\) THEN, unattributed: .*\n {2}its process ended without a word/,
    );
    life.call(200, 'virDomainShutdown');
    life.call(201, 'virDomainShutdown', { subject: BOB });
    life.stop(210, 'shutdown');
    expect(await answer(life)).toMatch(
      /stopped \(shutdown\) THEN, because of one of 2: virDomainShutdown at THEN by alice .*; virDomainShutdown at THEN by bob /,
    );
    life.start(300);
    life.events.push({ kind: 'shutdown', time: 400_000, order: 99, proof: { source: 'audit', id: '400.000:1' } });
    expect(await answer(life)).toBe(`demo (${DEMO.uuid}) stopped (the host shut down) THEN\n`);
  });

  test('calls, where libvirt recorded nothing; what was asked for and did not come', async () => {
    const life = new Life();
    life.call(100, 'virDomainDestroy');
    life.call(200, 'virDomainShutdown', { subject: BOB });
    expect(await answer(life)).toMatch(
      /^demo .* was stopped by virDomainDestroy THEN by alice .*\n.*none of these logs\n {2}virDomainShutdown at THEN by bob .*: no stop is recorded after it\n$/,
    );
    const quiet = new Life();
    quiet.start(0);
    expect(await answer(quiet)).toMatch(/^demo .* did not stop, as far as these logs tell\n {2}it runs since THEN/);
  });

  test('guests are found by name, former name and uuid; else the nearest name is told', async () => {
    const life = new Life();
    life.start(0);
    life.start(100, 'booted', { guest: { ...DEMO, name: 'renamed' } });
    const timeline = await life.timeline();
    for (const wanted of ['renamed', 'demo', DEMO.uuid?.toUpperCase() ?? '']) {
      expect(findGuests(timeline, wanted)).toEqual(timeline.guests);
    }
    expect(() => findGuests(timeline, 'rename')).toThrow(
      expect.objectContaining({ code: 'VIRTSHIM_USAGE', hint: 'did you mean `renamed`?' }),
    );
    expect(() => findGuests({ ...timeline, guests: [] }, 'x')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('--trail and --file') }),
    );
  });
});

describe('calls of several logs', () => {
  test('stand once each, with all that is known of them', () => {
    const life = new Life();
    const trail = life.call(100, 'virDomainDestroy');
    const proof = { source: 'audit', id: '100.100:7' } as const;
    const named = { ...ALICE, userName: 'root', comm: 'virsh' };
    const audited = { ...life.audited(100.1, 'virDomainDestroy', { subject: named, proof }), rid: trail.rid };
    for (const order of [
      [trail, audited],
      [audited, trail],
      [trail, audited, audited],
    ]) {
      const ledger = new CallLedger();
      for (const call of order) ledger.add(call);
      expect(ledger.all()).toEqual([
        expect.objectContaining({
          ...{ time: 100_000, duration: 100, proof: trail.proof, auditProof: proof },
          ...{ recordedIn: expect.arrayContaining(['trail', 'audit']), subject: named },
        }),
      ]);
    }
  });

  test('an outcome that the audit log alone has is known', () => {
    const life = new Life();
    const attempt = life.unanswered(100, 'virDomainDestroy');
    const ledger = new CallLedger();
    ledger.add(attempt);
    ledger.add({ ...life.audited(100.1, 'virDomainDestroy'), rid: attempt.rid });
    expect(ledger.all()).toMatchObject([{ success: true, recordedIn: ['trail', 'audit'] }]);
  });

  test('calls of other programs, which have no id, are all kept', () => {
    const life = new Life();
    const ledger = new CallLedger();
    for (const at of [1, 2]) ledger.add(life.audited(at, 'virDomainDestroy', { rid: '' }));
    expect(ledger.all()).toHaveLength(2);
  });
});

describe('a trail', () => {
  const events = async (dir: string): Promise<CallEvent[]> => {
    const found = [];
    for await (const event of trailEvents(readTrail(dir))) found.push(event);
    return found;
  };

  const withVirsh = requireTool('virsh');
  withVirsh('is told as events: begin, length, guest, outcome, arguments', async () => {
    const policy = await imageFile(permissiveExcept([deny('no-destroy', ['virDomainDestroy'])]));
    const commands =
      'snapshot-create-as test s1; snapshot-delete test s1; destroy test; memtune test --hard-limit 9; net-destroy default';
    const { trail } = runShimmed('virsh', ['-c', 'test:///default', commands], { policy });
    const told = (await events(trail)).filter(({ operation }) =>
      /Snapshot(Create|Delete)|Destroy|SetMem/.test(operation),
    );
    const test = { name: 'test', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f' };
    expect(told).toMatchObject([
      { operation: 'virDomainSnapshotCreateXML', guest: test, success: true, duration: expect.any(Number) },
      { operation: 'virDomainSnapshotDelete', guest: test, target: { kind: 'domain-snapshot', name: 's1' } },
      { operation: 'virDomainDestroy', guest: test, verdict: 'denied', rule: 'no-destroy', success: false },
      { operation: 'virDomainSetMemoryParameters', arguments: { 'params.hard_limit': '9' } },
      { operation: 'virNetworkDestroy', guest: {}, target: { kind: 'network', name: 'default' } },
    ]);
    const [first] = told;
    const line = readFileSync(join(trail, 'trail.xml'), 'utf8')
      .split('\n')
      .find((one) => one.includes(first?.rid ?? '?'));
    const begun = /time="([^"]*)"/.exec(line ?? '')?.[1] ?? '';
    expect(Math.floor(first?.time ?? 0)).toBe(Date.parse(`${begun.slice(0, 23)}Z`));
    expect(first?.subject).toMatchObject({ comm: 'virsh', uid: process.getuid?.() });
  });

  test('of many threads: every call once, none without its end', async () => {
    const found = await events(writeCalls(2, 4, 50));
    expect(found).toHaveLength(400);
    expect(new Set(found.map(({ rid }) => rid)).size).toBe(400);
    expect(found.filter(({ success }) => success === undefined)).toEqual([]);
  });

  test('calls that were never answered come, too; lines that are no records are handed out', async () => {
    const dir = writeCalls(1, 1, 2);
    const lines: string[] = [];
    const truncated = async function* () {
      for await (const line of readTrail(dir)) if (line.record?.type !== 'methodresponse') yield line;
      yield { file: 'x', line: 9, raw: Buffer.from('?'), problem: 'not a record' };
    };
    const found = [];
    for await (const event of trailEvents(truncated(), ({ file, line }) => lines.push(`${file}:${line}`)))
      found.push(event);
    expect(found.map(({ success }) => success)).toEqual([undefined, undefined]);
    expect(lines).toEqual(['x:9']);
  });
});

/** Two guests that are started and stopped again and again, each time by a call. */
function busyLife(steps: number): Life {
  const life = new Life();
  for (let at = 0; at < steps; at++) {
    const guest = { guest: { name: `g${at % 2}`, uuid: `u${at % 2}` } };
    life.call(at, at % 4 < 2 ? 'virDomainCreate' : 'virDomainDestroy', guest);
    if (at % 4 < 2) life.start(at + 0.05, 'booted', guest);
    else life.stop(at + 0.05, 'destroyed', guest);
  }
  return life;
}

test('many calls on one guest take time in proportion', async () => {
  const seconds = async (steps: number) => {
    const { events } = busyLife(steps);
    const begun = process.cpuUsage();
    const { guests } = await buildTimeline(events);
    const { user, system } = process.cpuUsage(begun);
    const entries = guests.flatMap((guest) => guest.entries);
    const causes = entries.flatMap((entry) => ('cause' in entry ? [entry.cause.kind] : []));
    expect(causes).toEqual(Array(steps).fill('call'));
    return (user + system) / 1e6;
  };
  await seconds(2000);
  // Eight times as many: if each looked at all others, it would take sixty-four times as long.
  expect((await seconds(24_000)) / (await seconds(3000))).toBeLessThan(24);
}, 60_000);
