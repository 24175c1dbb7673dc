// Which records `trail show` and its kin choose, and that looking at bytes first chooses the same ones.
import { rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterAll, describe, expect, test } from '@jest/globals';
import { filterOf, type SelectionOptions } from '../../src/cli/trail/selection.js';
import { recordTest, type TrailFilter } from '../../src/trail/filter.js';
import { readTrail } from '../../src/trail/read.js';
import type { TrailLine, TrailRecord } from '../../src/trail/record.js';
import { UNSET, verdictOf } from '../../src/trail/verdict.js';
import { hostileValues, invalidUtf8 } from '../support/hostile.js';
import { emit, writeCalls } from '../support/trail_writer.js';

function record(more: Partial<TrailRecord>): TrailRecord {
  return {
    type: 'methodresponse',
    rid: '0123456789abcdef',
    seq: 1,
    time: '2026-03-01T12:00:00.000000000Z',
    ...{ pid: 1, tid: 1, uid: 0, auid: 0, ses: 0, comm: 'virsh', exe: '/usr/bin/virsh', nested: false, chain: '' },
    event: 'virDomainSuspend',
    success: true,
    decision: { effect: 'permitted', reason: '' },
    params: [],
    ...more,
  };
}

const domain = { kind: 'domain', name: 'demo', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f' };

async function chooses(options: SelectionOptions, more: Partial<TrailRecord>, now?: Date): Promise<boolean> {
  return recordTest(await filterOf(options, now)).matches(record(more));
}

describe('choosing records', () => {
  test.each([
    [{ vm: 'demo' }, { resource: domain }, true],
    [{ vm: 'demo' }, { resource: { ...domain, name: 'demo2' } }, false],
    [{ vm: 'demo' }, { resource: { kind: 'network', name: 'demo' } }, false],
    [{ vm: 'demo' }, { resource: { kind: 'domain-snapshot', name: 's1', parent: 'demo' } }, true],
    [{ vm: 'demo' }, {}, false],
    [{ uuid: '6695EB01-F6A4-8304-79AA-97F2502E193F' }, { resource: domain }, true],
    [{ user: '1000' }, { uid: 1000 }, true],
    [{ user: '1000' }, { auid: 1000 }, false],
    [{ auid: '1000' }, { auid: 1000 }, true],
    [{ auid: 'unset' }, { auid: UNSET }, true],
    [{ function: 'virDomain*' }, {}, true],
    [{ function: 'virDomainSuspen?' }, {}, true],
    [{ function: 'virDomainResume' }, {}, false],
    [{ action: 'domain.suspend' }, {}, true],
    [{ action: 'domain.*' }, {}, true],
    [{ action: 'control' }, {}, true],
    [{ action: 'domain.stop' }, {}, false],
    [{ action: 'domain.suspend', function: 'virDomainR*' }, {}, false],
    [{ rule: 'r1' }, { decision: { effect: 'denied', rule: 'r1', reason: '' } }, true],
    [{ rule: 'r1' }, {}, false],
    [{ program: 'virsh' }, { comm: 'worker' }, true],
    [{ program: '/usr/bin/virsh' }, {}, true],
    [{ program: 'worker' }, { comm: 'worker' }, true],
    [{ program: 'irsh' }, {}, false],
    [{ actor: 'mia' }, { asserted: { actor: 'mia' } }, true],
    [{ actor: 'mia' }, { asserted: { via: 'mia' } }, false],
    [{ rid: '0123456789ABCDEF' }, {}, true],
    [{ verdict: 'failed' }, { success: false }, true],
    [{ verdict: 'denied' }, { success: false }, false],
    [{ verdict: 'denied' }, { success: false, decision: { effect: 'denied', reason: 'r' } }, true],
    [{ verdict: 'permitted' }, { type: 'methodcall' }, false],
    [{ since: '2026-03-01T12:00:00Z' }, {}, true],
    [{ since: '2026-03-01T14:00:00+02:00' }, {}, true],
    [{ since: '2026-03-01T12:00:01Z' }, {}, false],
    [{ since: '@1772366400' }, {}, true],
    [{ since: '@1772366401' }, {}, false],
    [{ until: '2026-03-01T12:00:00Z' }, { time: '2026-03-01T12:00:00.999999999Z' }, true],
    [{ until: '2026-03-01T12:00:00Z' }, { time: '2026-03-01T12:00:01.000000000Z' }, false],
    [{ until: '2026-03-01T12:00:00.000Z' }, { time: '2026-03-01T12:00:00.000999999Z' }, true],
    [{ until: '2026-03-01T12:00:00.000Z' }, { time: '2026-03-01T12:00:00.001000000Z' }, false],
    [{ until: '2026-03-01T12:00:00.000000001Z' }, { time: '2026-03-01T12:00:00.000000002Z' }, false],
    [{ since: '2026-03-01T12:00:00.000000002Z' }, { time: '2026-03-01T12:00:00.000000002Z' }, true],
    [{ since: '2h' }, {}, true],
    [{ since: '1w' }, {}, true],
    [{ since: '30m' }, {}, false],
    [{ since: 'now' }, {}, false],
    [{ since: '2h', vm: 'demo' }, {}, false],
  ] as const)('%j against %j: %j', async (options, more, expected) => {
    expect(await chooses(options, more as Partial<TrailRecord>, new Date('2026-03-01T13:00:00Z'))).toBe(expected);
  });

  test('a day means all of it, by the local clock', async () => {
    const evening = { time: `${new Date('2026-03-01T23:30:00').toISOString().slice(0, -1)}000000Z` };
    const now = new Date('2026-03-02T09:00:00');
    expect(await chooses({ until: '2026-03-01' }, evening)).toBe(true);
    expect(await chooses({ until: '2026-02-28' }, evening)).toBe(false);
    expect(await chooses({ since: 'yesterday', until: 'yesterday' }, evening, now)).toBe(true);
    expect(await chooses({ since: 'today' }, evening, now)).toBe(false);
  });

  test('users have names', async () => {
    const { username, uid } = userInfo();
    expect(await filterOf({ user: username, auid: username })).toEqual({ uid, auid: uid });
  });

  test.each([
    [{ since: '12' }, '`12` is not a time'],
    [{ since: '2026-13-01' }, '`2026-13-01` is not a time'],
    [{ until: '10x' }, '`10x` is not a time'],
    [{ user: 'nobody-of-this-name' }, 'this machine knows no user `nobody-of-this-name`'],
    [{ function: 'virDomainDestory' }, 'unknown function `virDomainDestory`'],
    [{ action: 'domain.stpo' }, 'unknown action `domain.stpo`'],
  ])('%j is wrong usage', async (options, message) => {
    await expect(filterOf(options)).rejects.toMatchObject({
      code: 'VIRTSHIM_USAGE',
      message,
      hint: expect.any(String),
    });
  });

  test('a denied call is not a failed one', () => {
    expect(verdictOf(record({ success: false, decision: { effect: 'denied', reason: '' } }))).toBe('denied');
  });
});

describe('reading with a filter', () => {
  const trails = [emit([...hostileValues.values(), ...invalidUtf8.values()]), writeCalls(2, 2, 50)];
  afterAll(() => {
    for (const dir of trails) rmSync(dir, { recursive: true });
  });

  async function read(dir: string, filter?: TrailFilter): Promise<TrailLine[]> {
    const lines: TrailLine[] = [];
    for await (const line of readTrail(dir, filter && { filter })) lines.push(line);
    return lines;
  }

  /** What each record says, as filters. */
  function filtersFor({ resource, asserted, decision, event, ...record }: TrailRecord): TrailFilter[] {
    const { rid, uid, auid, comm, exe, time } = record;
    return [
      { rid },
      { uid, auid },
      { program: comm },
      { program: exe },
      { program: exe.replace(/.*\//, '') },
      { since: time.slice(0, -1) },
      { until: time.slice(0, 24) },
      { since: time.slice(0, 27), until: time.slice(0, -1) },
      { verdict: verdictOf({ ...record, ...(decision && { decision }) }) },
      ...(event === undefined ? [] : [{ functions: new Set([event]) }, { functions: new Set(['virDomainDestroy']) }]),
      ...(resource?.name === undefined ? [] : [{ vm: resource.name }, { vm: resource.name, uid: uid + 1 }]),
      ...(resource?.uuid === undefined ? [] : [{ uuid: resource.uuid }]),
      ...(decision?.rule === undefined ? [] : [{ rule: decision.rule }]),
      ...(asserted?.actor === undefined ? [] : [{ actor: asserted.actor }]),
    ];
  }

  test.each([0, 1])('is reading all and filtering then, whatever the values are', async (which) => {
    const dir = trails[which] ?? '';
    const all = await read(dir);
    expect(all.length).toBeGreaterThan(50);
    const sample = which === 0 ? all : all.slice(-6);
    for (const { record } of sample) {
      for (const filter of record === undefined ? [] : filtersFor(record)) {
        const { matches } = recordTest(filter);
        const expected = all.filter((line) => line.record !== undefined && matches(line.record));
        const found = await read(dir, filter);
        expect([filter, found.map(({ line }) => line)]).toEqual([filter, expected.map(({ line }) => line)]);
      }
    }
  });
});
