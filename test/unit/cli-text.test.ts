import { describe, expect, test } from '@jest/globals';
import { jsonText, table } from '../../src/cli/text.js';
import { makeFilter, verdictOf } from '../../src/cli/trail/filter.js';
import { printable } from '../../src/printable.js';
import type { TrailRecord } from '../../src/trail/record.js';

describe('text for terminals', () => {
  test('shows what would steer the terminal', () => {
    expect(printable('a\x1b[31mb\nc\u202ed\u2028e')).toBe('a\\x1b[31mb\\x0ac\\u{202e}d\\u{2028}e');
    expect(printable('Gäste – 東京')).toBe('Gäste – 東京');
  });

  test('and so does JSON, which stays the same JSON', () => {
    const value = { name: 'a\x1b\x7f\u202e\u2028\u{e0001}ü' };
    expect(jsonText(value)).toBe('{"name":"a\\u001b\\u007f\\u202e\\u2028\\udb40\\udc01ü"}');
    expect(JSON.parse(jsonText(value, 2))).toEqual(value);
  });

  test('a cell of unusual length is whole and widens nothing', () => {
    const long = 'x'.repeat(5000);
    expect(
      table([
        [long, 'a'],
        ['b', 'c'],
      ]),
    ).toBe(`${long}  a\nb  c\n`);
  });

  test('aligns columns', () => {
    const rows = [
      ['a', 'bbb', 'c'],
      ['aaaa', 'b', ''],
    ];
    expect(table(rows)).toBe('a     bbb  c\naaaa  b\n');
  });
});

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

describe('choosing records', () => {
  test.each([
    [{ vm: 'demo' }, { resource: domain }, true],
    [{ vm: 'demo' }, { resource: { ...domain, name: 'demo2' } }, false],
    [{ vm: 'demo' }, { resource: { kind: 'network', name: 'demo' } }, false],
    [{ vm: 'demo' }, { resource: { kind: 'domain-snapshot', name: 's1', parent: 'demo' } }, true],
    [{ vm: 'demo' }, {}, false],
    [{ uuid: '6695EB01-F6A4-8304-79AA-97F2502E193F' }, { resource: domain }, true],
    [{ function: 'virDomain*' }, {}, true],
    [{ function: 'virDomain' }, {}, false],
    [{ function: 'vir.omainSuspend' }, {}, false],
    [{ rid: '0123456789ABCDEF' }, {}, true],
    [{ verdict: 'failed' }, { success: false }, true],
    [{ verdict: 'denied' }, { success: false }, false],
    [{ verdict: 'denied' }, { success: false, decision: { effect: 'denied', reason: 'r' } }, true],
    [{ verdict: 'permitted' }, { type: 'methodcall' }, false],
    [{ since: '2026-03-01T12:00:00Z' }, {}, true],
    [{ since: '2026-03-01T12:00:01Z' }, {}, false],
    [{ until: '2026-03-01T12:00:00Z' }, { time: '2026-03-01T12:00:00.000999999Z' }, true],
    [{ until: '2026-03-01T12:00:00Z' }, { time: '2026-03-01T12:00:00.001000000Z' }, false],
    [{ since: '2h' }, {}, true],
    [{ since: '30m' }, {}, false],
    [{ since: '2h', vm: 'demo' }, {}, false],
  ] as const)('%j against %j: %j', (options, more, expected) => {
    const now = new Date('2026-03-01T13:00:00Z');
    expect(makeFilter(options, now)(record(more as Partial<TrailRecord>))).toBe(expected);
  });

  test('a date as the end means its whole day', () => {
    const evening = record({ time: `${new Date('2026-03-01T23:30:00').toISOString().slice(0, -1)}000000Z` });
    expect(makeFilter({ until: '2026-03-01' })(evening)).toBe(true);
    expect(makeFilter({ until: '2026-02-28' })(evening)).toBe(false);
  });

  test.each(['yesterday', '12', '2026-13-01', '10x'])('%j is not a time', (since) => {
    expect(() => makeFilter({ since })).toThrow(/is not a time/);
  });

  test('a denied call is not a failed one', () => {
    expect(verdictOf(record({ success: false, decision: { effect: 'denied', reason: '' } }))).toBe('denied');
  });
});
