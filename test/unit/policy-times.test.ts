// Windows of time: zones as the platform knows them, days and hours as people mean them.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { WindowDocument } from '../../src/policy/document.js';
import { evaluateAll } from '../../src/policy/evaluate.js';
import { transitionsOf, zoneNames } from '../../src/policy/time_zones.js';
import { diagnose, imageOf } from './policy_tools.js';

const seconds = (time: string): number => Date.parse(time) / 1000;

/** The clock on the wall, by the platform itself. */
function wallClock(zone: string, utcSeconds: number): string {
  return new Date(utcSeconds * 1000).toLocaleString('sv-SE', { timeZone: zone });
}

/** The same by the table of the zone's transitions. */
function byTable(zone: string, utcSeconds: number): string {
  const at = transitionsOf(zone)?.findLast((one, index) => index === 0 || one.utcSeconds <= utcSeconds);
  return new Date((utcSeconds + (at?.offsetSeconds ?? Number.NaN)) * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

/** For each moment: whether a rule with these windows holds. */
async function within(times: readonly WindowDocument[], moments: readonly number[]): Promise<boolean[]> {
  const rules = [{ id: 'it', effect: 'deny', actions: ['control'], times }] as const;
  const image = await imageOf({ name: 'test', defaults: { '*': 'allow' }, rules });
  const calls = moments.map((time) => ({ function: 'virDomainDestroy', time }));
  return evaluateAll(image, calls).map(({ effect }) => effect === 'deny');
}

async function expectWithin(times: readonly WindowDocument[], expected: Readonly<Record<string, boolean>>) {
  const answers = await within(times, Object.keys(expected).map(seconds));
  expect(Object.fromEntries(Object.keys(expected).map((moment, i) => [moment, answers[i]]))).toEqual(expected);
}

const instant = fc.integer({ min: 0, max: seconds('2040-12-31T23:59:59Z') });

describe('zones', () => {
  test('the table says what the platform says, at any moment from 1970 to 2040', () => {
    const zones = [
      ...['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Africa/Casablanca'],
      ...['America/Boa_Vista', 'Pacific/Apia', 'Asia/Kathmandu', 'America/St_Johns', 'Africa/Monrovia'],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...zones), instant, (zone, at) => {
        expect(byTable(zone, at)).toBe(wallClock(zone, at));
      }),
      { numRuns: 3000 },
    );
  });

  test('at each transition the clock jumps, and not a second before', () => {
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia']) {
      const transitions = transitionsOf(zone)?.slice(1) ?? [];
      expect(transitions.length).toBeGreaterThan(10);
      for (const { utcSeconds } of transitions) {
        expect(byTable(zone, utcSeconds - 1)).toBe(wallClock(zone, utcSeconds - 1));
        expect(byTable(zone, utcSeconds)).toBe(wallClock(zone, utcSeconds));
      }
    }
  });

  test('transitions ascend, and each changes something', () => {
    for (const zone of ['Europe/Berlin', 'Africa/Casablanca', 'America/Boa_Vista']) {
      const transitions = transitionsOf(zone) ?? [];
      transitions.slice(1).forEach((one, index) => {
        expect(one.utcSeconds).toBeGreaterThan(transitions[index]?.utcSeconds ?? Number.NaN);
        expect(one.offsetSeconds).not.toBe(transitions[index]?.offsetSeconds);
      });
    }
  });

  test('other names of a zone are zones, too', () => {
    expect(transitionsOf('US/Eastern')).toEqual(transitionsOf('America/New_York'));
    expect(transitionsOf('Asia/Calcutta')).toEqual(transitionsOf('Asia/Kolkata'));
    expect(transitionsOf('Etc/GMT-5')).toEqual([{ utcSeconds: 0, offsetSeconds: 5 * 3600 }]);
    expect(zoneNames()).toEqual(expect.arrayContaining(['UTC', 'Europe/Berlin', 'America/New_York']));
  });

  test.each(['Europe/Belrin', 'europe/berlin', '+01:00', 'Mars/Olympus', 'localtime', ''])('%j is none', (zone) => {
    expect(transitionsOf(zone)).toBeUndefined();
  });

  test('a misspelt one is an error that says which was meant', () => {
    const times = [{ zone: 'Europe/Belrin' }];
    const rules = [{ id: 'it', effect: 'deny', actions: ['control'], times }] as const;
    expect(diagnose({ name: 'test', rules })).toEqual([
      expect.stringMatching(
        /^p\.json:\d+:\d+: error: unknown time zone `Europe\/Belrin` at \/rules\/0\/times\/0\/zone \(did you mean `Europe\/Berlin`\?\)$/,
      ),
    ]);
  });

  test('a policy with a handful of zones compiles in well under a second', async () => {
    const zones = ['Europe/Paris', 'America/Los_Angeles', 'Asia/Tokyo', 'Australia/Sydney', 'America/Sao_Paulo'];
    const began = process.cpuUsage();
    await imageOf({
      name: 'test',
      rules: zones.map((zone, i) => ({ id: `r${i}`, effect: 'allow', actions: ['*'], times: [{ zone }] })),
    });
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1000).toBeLessThan(1000);
  });
});

describe('windows', () => {
  test('hours of a day: the first minute is in, the last is not', async () => {
    await expectWithin([{ days: ['mon'], from: '06:00', to: '20:00', zone: 'UTC' }], {
      '2026-11-23T05:59:59Z': false,
      '2026-11-23T06:00:00Z': true,
      '2026-11-23T19:59:59Z': true,
      '2026-11-23T20:00:00Z': false,
      '2026-11-24T12:00:00Z': false,
    });
  });

  test('over midnight they belong to the day on which they begin', async () => {
    await expectWithin([{ days: ['fri'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' }], {
      '2026-11-27T00:30:00+01:00': false,
      '2026-11-27T21:59:59+01:00': false,
      '2026-11-27T22:00:00+01:00': true,
      '2026-11-28T05:59:59+01:00': true,
      '2026-11-28T06:00:00+01:00': false,
      '2026-11-28T23:00:00+01:00': false,
    });
  });

  test('Sunday night ends on Monday', async () => {
    await expectWithin([{ days: ['sun'], from: '23:00', to: '01:00', zone: 'UTC' }], {
      '2026-11-22T23:30:00Z': true,
      '2026-11-23T00:59:59Z': true,
      '2026-11-23T01:00:00Z': false,
      '2026-11-22T00:30:00Z': false,
    });
  });

  test('whole days, every day, and days of the zone rather than of UTC', async () => {
    await expectWithin([{ days: ['mon'], zone: 'Pacific/Auckland' }], {
      '2026-11-22T10:59:59Z': false,
      '2026-11-22T11:00:00Z': true,
      '2026-11-23T10:59:59Z': true,
      '2026-11-23T11:00:00Z': false,
    });
    await expectWithin([{ from: '23:00', zone: 'UTC' }], {
      '2026-11-23T23:59:59Z': true,
      '2026-11-24T00:00:00Z': false,
    });
  });

  test('midnight is the end of a day as well as its beginning', async () => {
    const expected = { '2026-11-23T21:59:59Z': false, '2026-11-23T23:59:59Z': true, '2026-11-24T00:00:00Z': false };
    await expectWithin([{ days: ['mon'], from: '22:00', to: '24:00', zone: 'UTC' }], expected);
    await expectWithin([{ days: ['mon'], from: '22:00', to: '00:00', zone: 'UTC' }], expected);
  });

  test.each([
    [
      { from: '06:00', to: '06:00' },
      'the window begins and ends at the same time: leave out `from` and `to` for whole days',
    ],
    [{ from: '24:00', to: '06:00' }, 'the window begins when the day is over: the next one begins at 00:00'],
    [{ from: '6:00' }, '"6:00" does not fit: a time from 00:00 to 24:00'],
    [{ to: '24:01' }, '"24:01" does not fit: a time from 00:00 to 24:00'],
    [{ days: ['monday'] }, 'monday'],
  ])('%j is an error', (window, message) => {
    const rule = { id: 'it', effect: 'deny', actions: ['control'], times: [{ zone: 'UTC', ...window }] };
    const [found = '', ...more] = diagnose(JSON.stringify({ name: 'test', rules: [rule] }));
    expect(found).toContain(message);
    expect(more).toEqual([]);
  });

  test('any of several is enough', async () => {
    const windows = [
      { days: ['mon'], from: '08:00', to: '09:00', zone: 'UTC' },
      { days: ['tue'], from: '10:00', to: '11:00', zone: 'Asia/Kolkata' },
    ] as const;
    await expectWithin(windows, {
      '2026-11-23T08:30:00Z': true,
      '2026-11-24T04:30:00Z': true,
      '2026-11-24T08:30:00Z': false,
    });
  });

  test('an hour that the clock leaves out is in no window; the one that it shows twice is in both times', async () => {
    await expectWithin([{ from: '02:00', to: '03:00', zone: 'Europe/Berlin' }], {
      '2026-03-29T00:59:59Z': false, // 01:59:59, and then it is 03:00
      '2026-03-29T01:00:00Z': false,
      '2026-03-28T01:30:00Z': true,
      '2026-10-25T00:00:00Z': true, // 02:00 in summer time
      '2026-10-25T00:59:59Z': true,
      '2026-10-25T01:00:00Z': true, // 02:00 again
      '2026-10-25T01:59:59Z': true,
      '2026-10-25T02:00:00Z': false,
    });
  });

  test('a window that begins in an hour that is left out begins when the clock has passed it', async () => {
    await expectWithin([{ from: '02:30', to: '04:00', zone: 'Europe/Berlin' }], {
      '2026-03-29T00:59:59Z': false,
      '2026-03-29T01:00:00Z': true, // 03:00
      '2026-03-29T02:00:00Z': false,
    });
  });

  test('before the table and behind it its ends count', async () => {
    await expectWithin([{ from: '00:00', to: '12:00', zone: 'UTC' }], {
      '1969-12-31T11:59:59Z': true,
      '1969-12-31T12:00:00Z': false,
      '2100-01-01T11:59:59Z': true,
      '2100-01-01T12:00:00Z': false,
    });
  });

  test('the evaluator agrees with the platform at random moments', async () => {
    const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
    const pad = (minute: number) =>
      `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    const minute = fc.integer({ min: 0, max: 1439 });
    const window = fc
      .record({
        zone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'),
        days: fc.subarray([...dayNames], { minLength: 1 }),
        hours: fc.tuple(minute, minute).filter(([from, to]) => from !== to),
      })
      .map(({ zone, days, hours: [from, to] }) => ({ zone, days, from: pad(from), to: pad(to) }));
    const isWithin = (
      { zone, days, from, to }: { zone: string; days: string[]; from: string; to: string },
      at: number,
    ) => {
      const wall = wallClock(zone, at);
      const clock = wall.slice(11, 16);
      const day = new Date(`${wall.slice(0, 10)}T00:00:00Z`).getUTCDay();
      const begins = (ago: number) => days.includes(dayNames[(day + 7 - ago) % 7] ?? '');
      if (from < to) return begins(0) && clock >= from && clock < to;
      return (begins(0) && clock >= from) || (begins(1) && clock < to);
    };
    await fc.assert(
      fc.asyncProperty(window, fc.array(instant, { minLength: 30, maxLength: 30 }), async (one, moments) => {
        expect(await within([one], moments)).toEqual(moments.map((at) => isWithin(one, at)));
      }),
      { numRuns: 100 },
    );
  });
});
