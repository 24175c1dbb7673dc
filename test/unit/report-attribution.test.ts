// Which call caused what libvirt recorded: sure, one of several, or none.
import { describe, expect, test } from '@jest/globals';
import { functionsByName } from '../../src/generated/api.js';
import type { Attribution } from '../../src/report/attribution.js';
import { CAUSING_FUNCTIONS } from '../../src/report/causes.js';
import type { CallEvent, ControlEvent, ResourceEvent } from '../../src/report/event.js';
import { BOB, DAEMON, DEMO, Life } from '../support/life.js';

/** What caused the event, in the timeline of all of the life. */
async function causeOf(life: Life, event: ControlEvent | ResourceEvent): Promise<Attribution> {
  const { guests } = await life.timeline();
  const entry = guests.flatMap(({ entries }) => entries).find((one) => 'event' in one && one.event === event);
  if (entry === undefined || !('cause' in entry)) throw new Error('the event has no entry');
  return entry.cause;
}

const by = (call: CallEvent, ...alsoSeen: CallEvent[]): Attribution => ({ kind: 'call', call, alsoSeen });
const oneOf = (...candidates: CallEvent[]): Attribution => ({ kind: 'ambiguous', candidates });
const nobody: Attribution = { kind: 'none' };

describe('a stop', () => {
  test('is of the call in whose time it lies', async () => {
    const life = new Life();
    life.start(0);
    const call = life.call(100, 'virDomainDestroy', { takes: 0.5 });
    const stop = life.stop(100.4, 'destroyed');
    expect(await causeOf(life, stop)).toEqual(by(call));
  });

  test.each([
    ['denied', (life: Life) => life.denied(100, 'virDomainDestroy')],
    ['failed', (life: Life) => life.call(100, 'virDomainDestroy', { success: false })],
    ['of another guest', (life: Life) => life.call(100, 'virDomainDestroy', { guest: { name: 'x', uuid: 'other' } })],
    ['of another kind', (life: Life) => life.call(100, 'virDomainSuspend')],
    ['long over', (life: Life) => life.call(99.4, 'virDomainDestroy')],
    ['not begun yet', (life: Life) => life.call(100.6, 'virDomainDestroy')],
  ])('is not of a call that is %s', async (_, add) => {
    const life = new Life();
    life.start(0);
    add(life);
    expect(await causeOf(life, life.stop(100.05, 'destroyed'))).toEqual(nobody);
  });

  test('is of its own call where a script stops and starts the guest again and again', async () => {
    const life = new Life();
    const expected: [ControlEvent, CallEvent][] = [];
    for (let at = 100; at < 110; at += 0.3) {
      const start = life.call(at, 'virDomainCreate');
      expected.push([life.start(at + 0.09), start]);
      const destroy = life.call(at + 0.12, 'virDomainDestroy');
      expected.push([life.stop(at + 0.2, 'destroyed'), destroy]);
    }
    for (const [event, call] of expected) expect(await causeOf(life, event)).toEqual(by(call));
  });

  test('that the kernel stamps a little early is of the call all the same', async () => {
    const life = new Life();
    const call = life.call(100, 'virDomainDestroy');
    expect(await causeOf(life, life.stop(99.996, 'destroyed'))).toEqual(by(call));
  });

  test('is of a call that would have been denied: it was forwarded', async () => {
    const life = new Life();
    const call = life.call(100, 'virDomainDestroy', { verdict: 'would-deny' });
    expect(await causeOf(life, life.stop(100.05, 'destroyed'))).toEqual(by(call));
  });

  test('may be of a call without a recorded outcome, for as long as that can take', async () => {
    const life = new Life();
    const call = life.unanswered(100, 'virDomainDestroy');
    expect(await causeOf(life, life.stop(120, 'destroyed'))).toEqual(oneOf(call));
    const late = new Life();
    late.unanswered(100, 'virDomainDestroy');
    expect(await causeOf(late, late.stop(200, 'destroyed'))).toEqual(nobody);
  });

  test('is one of several calls at the same time', async () => {
    const life = new Life();
    const one = life.call(100, 'virDomainDestroy');
    const other = life.call(100.01, 'virDomainDestroyFlags', { subject: BOB });
    expect(await causeOf(life, life.stop(100.05, 'destroyed'))).toEqual(oneOf(one, other));
  });

  test('is of the call that the kernel alone recorded, at its end', async () => {
    const life = new Life();
    life.start(0);
    life.audited(40, 'virDomainDestroy');
    const call = life.audited(100.02, 'virDomainDestroy');
    expect(await causeOf(life, life.stop(100, 'destroyed'))).toEqual(by(call));
    const slow = new Life();
    const ending = slow.audited(120, 'virDomainDestroy');
    expect(await causeOf(slow, slow.stop(100, 'destroyed'))).toEqual(by(ending));
  });

  test('is of a long call that began hours before', async () => {
    const life = new Life();
    const call = life.call(100, 'virDomainMigrateToURI3', { takes: 7200 });
    expect(await causeOf(life, life.stop(7290, 'migrated'))).toEqual(by(call));
  });

  test.each([
    ['saved', 'virDomainManagedSave', {}],
    ['saved', 'virDomainSaveFlags', {}],
    ['migrated', 'virDomainMigrate3', {}],
    ['crashed', 'virDomainCoreDump', { flags: '1' }],
    ['crashed', 'virDomainCoreDumpWithFormat', { apiflags: '0x1' }],
    ['from-snapshot', 'virDomainRevertToSnapshot', {}],
    ['from-snapshot', 'virDomainSnapshotCreateXML', { flags: '8' }],
    ['shutdown', 'virDomainQemuMonitorCommand', { cmd: '{"execute":"quit"}' }],
  ])('%s is of %s', async (reason, operation, args) => {
    const life = new Life();
    const call = life.call(100, operation, { arguments: args });
    expect(await causeOf(life, life.stop(100.05, reason))).toEqual(by(call));
  });

  test.each([
    ['saved', 'virDomainDestroy', {}],
    ['destroyed', 'virDomainSave', {}],
    ['crashed', 'virDomainCoreDump', { flags: '0' }],
    ['from-snapshot', 'virDomainSnapshotCreateXML', { flags: '0' }],
    ['shutdown', 'virDomainQemuAgentCommand', { cmd: '{"execute":"guest-ping"}' }],
    ['shutdown', 'virDomainDestroy', {}],
  ])('%s is not of %s', async (reason, operation, args) => {
    const life = new Life();
    life.call(100, operation, { arguments: args });
    expect(await causeOf(life, life.stop(100.05, reason))).toEqual(nobody);
  });

  test('may be of the connection that its start hangs on', async () => {
    const life = new Life();
    const call = life.call(0, 'virDomainCreateWithFlags', { arguments: { flags: '2' } });
    life.start(0.05);
    expect(await causeOf(life, life.stop(5000, 'destroyed'))).toEqual(oneOf(call));
  });
});

describe('a shutdown', () => {
  test('is of who asked for it up to five minutes before', async () => {
    const life = new Life();
    life.start(0);
    const call = life.call(100, 'virDomainShutdown');
    expect(await causeOf(life, life.stop(170, 'shutdown'))).toEqual(by(call));
    const late = new Life();
    late.start(0);
    late.call(100, 'virDomainShutdown');
    expect(await causeOf(late, late.stop(401, 'shutdown'))).toEqual(nobody);
  });

  test('is of one of all who asked for it', async () => {
    const life = new Life();
    life.start(0);
    const one = life.call(100, 'virDomainShutdown');
    const other = life.call(130, 'virDomainShutdownFlags', { subject: BOB });
    expect(await causeOf(life, life.stop(170, 'shutdown'))).toEqual(oneOf(one, other));
  });

  test('is not of who asked before the guest was started again', async () => {
    const life = new Life();
    life.start(0);
    life.call(100, 'virDomainShutdown');
    life.stop(120, 'shutdown');
    life.start(130);
    expect(await causeOf(life, life.stop(170, 'shutdown'))).toEqual(nobody);
  });

  test('is of a command to the agent where the command says so, and may be where it is not recorded', async () => {
    const life = new Life();
    const call = life.call(100, 'virDomainQemuAgentCommand', { arguments: { cmd: '{"execute":"guest-shutdown"}' } });
    expect(await causeOf(life, life.stop(130, 'shutdown'))).toEqual(by(call));
    const audited = new Life();
    const command = audited.audited(100, 'virDomainQemuAgentCommand');
    expect(await causeOf(audited, audited.stop(130, 'shutdown'))).toEqual(oneOf(command));
  });

  test('may be of keys that were pressed, or of a reboot', async () => {
    for (const operation of ['virDomainSendKey', 'virDomainReboot']) {
      const life = new Life();
      const call = life.call(100, operation);
      expect(await causeOf(life, life.stop(130, 'shutdown'))).toEqual(oneOf(call));
    }
  });
});

describe('a start', () => {
  test('is of the call that made it, by name where the call could not know the uuid', async () => {
    const life = new Life();
    const call = life.call(100, 'virDomainCreateXML', { guest: { name: 'demo' } });
    expect(await causeOf(life, life.start(100.05))).toEqual(by(call));
  });

  test('that nobody asked for may be of libvirt, where autostart is set', async () => {
    const life = new Life();
    const set = life.call(10, 'virDomainSetAutostart', { arguments: { autostart: '1' } });
    expect(await causeOf(life, life.start(100))).toEqual({ kind: 'none', autostart: set });
    life.call(110, 'virDomainSetAutostart', { arguments: { autostart: '0' } });
    expect(await causeOf(life, life.start(200))).toEqual(nobody);
  });

  test('from a file is of the restore that names it, of two at a time', async () => {
    const life = new Life();
    life.call(10, 'virDomainSave', { arguments: { to: '/tmp/demo.save' } });
    life.stop(10.05, 'saved');
    const unknown = { guest: {} };
    life.call(100, 'virDomainRestore', { ...unknown, arguments: { from: '/tmp/other.save' } });
    const call = life.call(100, 'virDomainRestore', { ...unknown, arguments: { from: '/tmp/demo.save' } });
    expect(await causeOf(life, life.start(100.05, 'restored'))).toEqual(by(call));
  });
});

test("a restore, whose guest is unknown, is nearer than the guest's own start that follows it", async () => {
  const life = new Life();
  const call = life.call(100, 'virDomainRestore', { guest: {}, arguments: { from: '/tmp/demo.save' } });
  const start = life.start(100.05, 'restored');
  life.call(100.4, 'virDomainCreate');
  expect(await causeOf(life, start)).toEqual(by(call));
});

describe('a change of resources', () => {
  test('is of the call that names the device, of two at a time', async () => {
    const life = new Life();
    life.start(0);
    const xml = (file: string) => ({ xml: `<disk><source file='${file}'/></disk>` });
    life.call(100, 'virDomainAttachDevice', { arguments: xml('/a.img'), subject: BOB });
    const call = life.call(100, 'virDomainAttachDeviceFlags', { arguments: xml('/b.img') });
    expect(await causeOf(life, life.resource(100.05, 'disk', 'attach', { after: '/b.img' }))).toEqual(by(call));
  });

  test('is of a detach for a minute: the guest lets go when it likes', async () => {
    const life = new Life();
    life.start(0);
    const call = life.call(100, 'virDomainDetachDeviceAlias');
    expect(await causeOf(life, life.resource(140, 'disk', 'detach', { before: '/b.img' }))).toEqual(by(call));
    expect(await causeOf(life, life.resource(200, 'net', 'detach', { before: 'aa' }))).toEqual(nobody);
  });

  test('of threads is of the call that adds or removes one, however close they are', async () => {
    const life = new Life();
    const add = life.call(100, 'virDomainAddIOThread', { takes: 0.002 });
    const remove = life.call(100.003, 'virDomainDelIOThread', { takes: 0.002 });
    expect(await causeOf(life, life.resource(100.001, 'iothread', 'update', { before: '0', after: '1' }))).toEqual(
      by(add),
    );
    expect(await causeOf(life, life.resource(100.004, 'iothread', 'update', { before: '1' }))).toEqual(by(remove));
  });

  test('of processors, of a disk that a job has copied', async () => {
    const life = new Life();
    const vcpus = life.call(100, 'virDomainSetVcpusFlags');
    expect(await causeOf(life, life.resource(100.05, 'vcpu', 'update', { before: '1', after: '2' }))).toEqual(
      by(vcpus),
    );
    const pivot = life.call(200, 'virDomainBlockJobAbort');
    expect(await causeOf(life, life.resource(200.05, 'disk', 'mirror'))).toEqual(by(pivot));
  });
});

describe('a call that client and daemon recorded', () => {
  test('is one call', async () => {
    const life = new Life();
    const client = life.call(100, 'virDomainDestroy', { takes: 0.5 });
    const daemon = life.call(100.1, 'virDomainDestroy', { takes: 0.3, subject: DAEMON });
    expect(await causeOf(life, life.stop(100.3, 'destroyed'))).toEqual(by(client, daemon));
    const { entries } = await life.guest();
    expect(entries.filter(({ kind }) => kind === 'call')).toMatchObject([{ call: client, alsoSeen: [daemon] }]);
  });

  test('stays two where the daemon refused it', async () => {
    const life = new Life();
    life.call(100, 'virDomainDestroy', { success: false });
    life.denied(100.05, 'virDomainDestroy', { subject: DAEMON });
    const { entries } = await life.guest();
    expect(entries.map(({ kind }) => kind)).toEqual(['failure', 'denial']);
  });

  test('is with those that libvirt made to serve it', async () => {
    const life = new Life();
    const outer = life.call(100, 'virDomainMigrate3', { takes: 5 });
    const inner = life.call(101, 'virDomainSuspend', { nested: true });
    const { entries } = await life.guest();
    expect(entries).toMatchObject([{ call: outer, alsoSeen: [inner] }]);
  });
});

describe('guests of one name', () => {
  test('are told apart by uuid, and calls by name go to who bears it then', async () => {
    const life = new Life();
    const other = { name: 'demo', uuid: '11111111-c3a0-4eac-91fc-72623b255373' };
    life.start(0);
    life.stop(50, 'shutdown');
    life.start(100, 'booted', { guest: other });
    const call = life.call(150, 'virDomainDestroy', { guest: { name: 'demo' } });
    expect(await causeOf(life, life.stop(150.05, 'destroyed', { guest: other }))).toEqual(by(call));
    const { guests } = await life.timeline();
    expect(guests.map(({ guest }) => guest)).toEqual([DEMO, other]);
  });

  test('a guest keeps its story under a new name', async () => {
    const life = new Life();
    life.start(0);
    life.start(100, 'booted', { guest: { ...DEMO, name: 'renamed' } });
    expect(await life.guest()).toMatchObject({ guest: { name: 'renamed' }, formerNames: ['demo'] });
  });
});

test('every function of the table is one of libvirt', () => {
  const names = [...CAUSING_FUNCTIONS];
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => functionsByName.get(name)?.stateChanging !== true)).toEqual([]);
});
