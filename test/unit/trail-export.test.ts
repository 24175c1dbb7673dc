// Records as events of other log systems: what the specifications ask for, and what becomes what.
import { rmSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { jsonText } from '../../src/cli/text.js';
import { functions } from '../../src/generated/api.js';
import { EXPORT_FORMATS, type ExportFormat, exportRecord, Outcomes } from '../../src/trail/export/index.js';
import { verbOf } from '../../src/trail/export/verb.js';
import { parseRecord, type TrailRecord } from '../../src/trail/index.js';
import { eventSchemas } from '../support/event_schemas.js';
import { hostileValues, invalidUtf8 } from '../support/hostile.js';
import { emit, linesOf, writeCalls } from '../support/trail_writer.js';

const context = { host: 'hv1', version: '1.2.3', userName: (uid: number) => ({ 0: 'root', 1000: 'alice' })[uid] };

function recordsFrom(dir: string): TrailRecord[] {
  const records = linesOf(dir).map(parseRecord);
  rmSync(dir, { recursive: true });
  return records;
}

function record(more: Partial<TrailRecord> = {}): TrailRecord {
  return {
    type: 'methodresponse',
    rid: '0123456789abcdef',
    seq: 7,
    time: '2026-03-01T12:00:00.123456789Z',
    ...{ pid: 42, tid: 43, uid: 0, auid: 1000, ses: 3, comm: 'virsh', exe: '/usr/bin/virsh', nested: false },
    chain: 'ab'.repeat(32),
    policy: 'fedcba9876543210',
    event: 'virDomainDestroy',
    success: false,
    decision: { effect: 'denied', rule: 'no-destroy', reason: 'rule `no-destroy`' },
    connection: { driver: 'qemu', uri: 'qemu:///system', readOnly: false },
    resource: { kind: 'domain', name: 'demo', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f' },
    params: [],
    ...more,
  };
}

const notice = (kind: string): TrailRecord => {
  const { event: _e, success: _s, decision: _d, connection: _c, resource: _r, ...identity } = record();
  return { ...identity, type: 'notice', notice: { kind, text: 'policy `x` is in force' } };
};
const { success: _none, ...unanswered } = record({ type: 'methodcall', decision: { effect: 'permitted', reason: '' } });

/** What is wrong with the event; empty where nothing is. */
function complaints(format: ExportFormat, event: unknown): string {
  const valid = eventSchemas[format](JSON.parse(jsonText(event)));
  return valid ? '' : JSON.stringify(eventSchemas[format].errors?.slice(0, 5));
}

describe.each(EXPORT_FORMATS)('%s', (format) => {
  const exported = (value: TrailRecord) => exportRecord(format, value, context);

  test('has what its specification asks for, whatever the values are', () => {
    const real = [
      ...recordsFrom(emit([...hostileValues.values(), ...invalidUtf8.values()])),
      ...recordsFrom(emit(['<disk/>', ...hostileValues.values()], ['device'])),
      ...recordsFrom(writeCalls(1, 1, 3)),
    ];
    const made = [
      record(),
      record({ success: true, decision: { effect: 'would-deny', rule: 'r', reason: 'why' }, durationNs: 2_600_000 }),
      record({ auid: 4294967295, ses: 4294967295, uid: 77, exe: '' }),
      record({ asserted: { actor: 'mia', via: 'web', reason: 'ticket 7' }, tty: 'pts/3' }),
      unanswered,
      notice('policy-loaded'),
      notice('policy-broken'),
    ];
    for (const each of [...real, ...made]) expect([each, complaints(format, exported(each))]).toEqual([each, '']);
  });

  test('has a word for every function', () => {
    for (const { name: event, object: kind } of functions) {
      const { resource: _resource, ...rest } = record({ event });
      const each = kind === 'none' ? rest : { ...rest, resource: { kind, name: 'x' } };
      expect([event, complaints(format, exported(each))]).toEqual([event, '']);
    }
  });

  test('leaves out nothing that a check of it would miss', () => {
    const event = exported(record());
    for (const name of Object.keys(event)) {
      const { [name]: _left, ...rest } = event;
      const optional =
        /^(name|reason|attachments|message|user|process|host|rule|related|virtshim|\w+_name|severity|status\w*|unmapped|resources)$/;
      if (!optional.test(name)) expect([name, complaints(format, rest)]).not.toEqual([name, '']);
    }
    expect(complaints(format, { ...event, own: 1 })).not.toBe('');
  });

  test('is JSON that every reader takes: no half surrogate pairs', () => {
    const text = jsonText(exported(record({ comm: 'a\udc80b' })));
    expect(text).not.toMatch(/\\ud[c-f]/);
    expect(text).toContain('a\\\\x80b');
  });
});

describe('what becomes what', () => {
  test('a refusal, in CADF', () => {
    expect(exportRecord('cadf', record(), context)).toMatchObject({
      id: 'urn:virtshim:hv1:record:0123456789abcdef',
      eventType: 'activity',
      eventTime: '2026-03-01T12:00:00.123456789+00:00',
      action: 'stop',
      outcome: 'failure',
      reason: { reasonCode: 'denied', policyId: 'fedcba9876543210/no-destroy' },
      initiator: { id: 'urn:virtshim:hv1:user:1000', name: 'alice', host: { agent: '/usr/bin/virsh' } },
      target: { id: 'urn:uuid:6695eb01-f6a4-8304-79aa-97f2502e193f', typeURI: 'compute/machine', name: 'demo' },
      observer: { id: 'urn:virtshim:hv1', typeURI: 'service/security', name: 'virtshim' },
    });
  });

  test('a refusal, in ECS', () => {
    expect(exportRecord('ecs', record(), context)).toMatchObject({
      '@timestamp': '2026-03-01T12:00:00.123456789Z',
      message: 'virDomainDestroy on domain demo by root with virsh: denied: rule `no-destroy`',
      event: { category: ['api'], type: ['end', 'denied'], action: 'virDomainDestroy', outcome: 'failure' },
      user: { id: '1000', name: 'alice', effective: { id: '0', name: 'root' } },
      process: { pid: 42, name: 'virsh', executable: '/usr/bin/virsh', thread: { id: 43 } },
      rule: { id: 'no-destroy', ruleset: 'fedcba9876543210' },
      related: { user: ['root', 'alice'], hosts: ['hv1'] },
    });
  });

  test('a refusal, in OCSF', () => {
    expect(exportRecord('ocsf', record(), context)).toMatchObject({
      class_uid: 6003,
      type_uid: 600303,
      time: Date.parse('2026-03-01T12:00:00.123Z'),
      severity_id: 3,
      status_id: 2,
      status_detail: 'rule `no-destroy`',
      actor: {
        user: { uid: '1000', name: 'alice' },
        session: { uid: '3' },
        process: { pid: 42, user: { uid: '0', name: 'root' }, file: { name: 'virsh', path: '/usr/bin/virsh' } },
        authorizations: [{ decision: 'denied', policy: { uid: 'fedcba9876543210', name: 'no-destroy' } }],
      },
      api: { operation: 'virDomainDestroy', request: { uid: '0123456789abcdef' } },
      resources: [{ uid: '6695eb01-f6a4-8304-79aa-97f2502e193f', name: 'demo', type: 'domain' }],
    });
  });

  test('a failure of libvirt has its error', () => {
    const failed = record({
      decision: { effect: 'permitted', reason: '' },
      error: { code: 55, domain: 10, message: 'not running' },
    });
    expect(exportRecord('cadf', failed, context)).toMatchObject({
      outcome: 'failure',
      reason: { reasonType: 'urn:libvirt:virErrorNumber', reasonCode: '55' },
    });
    expect(exportRecord('ecs', failed, context)).toMatchObject({
      event: { type: ['end', 'allowed'], outcome: 'failure', reason: 'not running' },
      error: { code: '55', message: 'not running' },
    });
    expect(exportRecord('ocsf', failed, context)).toMatchObject({
      status_code: '55',
      severity_id: 2,
      api: { response: { code: 55, error_message: 'not running' } },
    });
  });

  test('without an answer, nobody knows how it ended', () => {
    expect(exportRecord('cadf', unanswered, context)).toMatchObject({ outcome: 'unknown' });
    expect(exportRecord('ecs', unanswered, context)).toMatchObject({ event: { outcome: 'unknown' } });
    expect(exportRecord('ocsf', unanswered, context)).toMatchObject({ status_id: 0, status: 'Unknown' });
  });

  test.each([
    ['virConnectOpenAuth', 'connect'],
    ['virConnectClose', 'disconnect'],
    ['virDomainOpenConsole', 'connect'],
    ['virDomainGetInfo', 'read'],
    ['virConnectListAllDomains', 'read'],
    ['virDomainScreenshot', 'read'],
    ['virSecretGetValue', 'read'],
    ['virStorageVolDownload', 'read'],
    ['virAdmServerListClients', 'read'],
    ['virStorageVolUpload', 'update'],
    ['virDomainCreate', 'start'],
    ['virDomainCreateWithFlags', 'start'],
    ['virDomainCreateXML', 'create'],
    ['virNetworkCreate', 'start'],
    ['virStorageVolCreateXMLFrom', 'create'],
    ['virDomainDefineXMLFlags', 'configure'],
    ['virDomainUndefineFlags', 'delete'],
    ['virStorageVolDelete', 'delete'],
    ['virDomainManagedSaveRemove', 'delete'],
    ['virDomainManagedSave', 'save'],
    ['virDomainManagedSaveDefineXML', 'configure'],
    ['virDomainBackupBegin', 'save'],
    ['virDomainSnapshotCreateXML', 'capture'],
    ['virDomainSnapshotDelete', 'delete'],
    ['virDomainRevertToSnapshot', 'restore'],
    ['virDomainRestoreParams', 'restore'],
    ['virDomainMigrateToURI3', 'migrate'],
    ['virDomainMigrateSetMaxSpeed', 'update'],
    ['virDomainDestroyFlags', 'stop'],
    ['virDomainShutdown', 'stop'],
    ['virDomainReset', 'restart'],
    ['virDomainSuspend', 'suspend'],
    ['virDomainPMSuspendForDuration', 'suspend'],
    ['virDomainPMWakeup', 'resume'],
    ['virDomainAttachDevice', 'update'],
    ['virDomainSetMemory', 'update'],
    ['virDomainQemuMonitorCommand', 'update'],
    ['virNodeDeviceReset', 'restart'],
    ['virFunctionOfALaterVersion', 'update'],
  ])('%s is to %s', (event, verb) => {
    expect(verbOf(event)).toBe(verb);
  });

  test('of the functions that leave records, those that only read are called so', () => {
    const recorded = functions.filter(({ stateChanging }) => stateChanging).map(({ name }) => name);
    expect(recorded.filter((name) => verbOf(name) === 'read')).toEqual([
      'virDomainBlockPeek',
      'virDomainMemoryPeek',
      'virDomainScreenshot',
      'virSecretGetValue',
      'virStorageVolDownload',
    ]);
  });
});

describe('one event a call', () => {
  const call = (rid: string) => record({ rid, type: 'methodcall' });

  test('its response, or the attempt where there is none', () => {
    const outcomes = new Outcomes();
    const taken = [call('a'), call('b'), record({ rid: 'a' }), call('c'), notice('x'), record({ rid: 'c' })];
    expect(taken.map((each) => outcomes.take(each)?.rid)).toEqual([
      undefined,
      undefined,
      'a',
      undefined,
      notice('x').rid,
      'c',
    ]);
    expect(outcomes.unanswered().map(({ rid }) => rid)).toEqual(['b']);
  });

  test('in bounded memory', () => {
    const outcomes = new Outcomes();
    const early: (string | undefined)[] = [];
    for (let i = 0; i < 50_003; i++) {
      const taken = outcomes.take(call(String(i)));
      if (taken !== undefined) early.push(taken.rid);
    }
    expect(early).toEqual(['0', '1', '2']);
  });
});
