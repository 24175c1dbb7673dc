// --start and --end: what ausearch takes, and ISO 8601.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type Edge, parseMoment } from '../../src/report/times.js';

// A Wednesday.
const now = new Date(2026, 3, 15, 13, 45, 30, 500);
const at = (words: string, edge: Edge = 'start', locale = 'C') => parseMoment(words.split(' '), edge, { now, locale });
const day = (year: number, month: number, date: number, ...clock: number[]) =>
  new Date(year, month - 1, date, ...clock);

test.each([
  ['now', now],
  ['recent', new Date(now.getTime() - 600_000)],
  ['today', day(2026, 4, 15)],
  ['yesterday', day(2026, 4, 14)],
  ['this-hour', day(2026, 4, 15, 13)],
  ['this-week', day(2026, 4, 12)],
  ['week-ago', day(2026, 4, 8)],
  ['this-month', day(2026, 4, 1)],
  ['this-year', day(2026, 1, 1)],
  ['yesterday 22:15', day(2026, 4, 14, 22, 15)],
  ['14:30', day(2026, 4, 15, 14, 30)],
  ['14:30:05', day(2026, 4, 15, 14, 30, 5)],
  ['01/31/26', day(2026, 1, 31)],
  ['01/31/2026 22:13:20', day(2026, 1, 31, 22, 13, 20)],
  ['1/2/70', day(1970, 1, 2)],
  ['2026-01-31', day(2026, 1, 31)],
  ['2026-01-31 08:09', day(2026, 1, 31, 8, 9)],
  ['2026-01-31T08:09', day(2026, 1, 31, 8, 9)],
  ['2026-01-31T08:09:10Z', new Date('2026-01-31T08:09:10Z')],
  ['2026-01-31T08:09:10.250+02:00', new Date('2026-01-31T06:09:10.250Z')],
  ['90m', new Date(now.getTime() - 5_400_000)],
  ['2d', new Date(now.getTime() - 172_800_000)],
  ['1w', new Date(now.getTime() - 604_800_000)],
  ['@1795413763', new Date(1_795_413_763_000)],
  ['@1795413763.25', new Date(1_795_413_763_250)],
])('%s', (words, moment) => {
  expect(at(words)).toEqual(moment);
});

test.each([
  ['2026-01-31', day(2026, 1, 31, 23, 59, 59, 999)],
  ['01/31/26', day(2026, 1, 31, 23, 59, 59, 999)],
  ['2026-01-31 08:09:10', day(2026, 1, 31, 8, 9, 10, 999)],
  ['2026-01-31T08:09:10Z', new Date('2026-01-31T08:09:10.999Z')],
  ['2026-01-31T08:09:10.250Z', new Date('2026-01-31T08:09:10.250Z')],
  ['today', now],
  ['yesterday', day(2026, 4, 14)],
])('%s as an end', (words, moment) => {
  expect(at(words, 'end')).toEqual(moment);
});

describe('dates of the locale', () => {
  test.each([
    ['C', '02/03/26', day(2026, 2, 3)],
    ['C.UTF-8', '02/03/26', day(2026, 2, 3)],
    ['en_US.UTF-8', '02/03/2026', day(2026, 2, 3)],
    ['en_GB.UTF-8', '02/03/26', day(2026, 3, 2)],
    ['de_DE.UTF-8', '02.03.2026', day(2026, 3, 2)],
  ])('%s %s', (locale, words, moment) => {
    expect(at(words, 'start', locale)).toEqual(moment);
  });
});

test('boot is when this machine came up', () => {
  const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  expect(Math.abs(at('boot').getTime() - (now.getTime() - uptime * 1000))).toBeLessThan(2000);
});

test.each([
  ...['', 'tomorrow', '13/01/26', '02/30/26', '31.04.2026', '24:00', '12:60', '2026-13-01', '2026-01-31T', 'now then'],
  ...['today 25:00', '2026-01-31 10:00 more', '1/2', '90x', '1/2/345'],
])('`%s` is no time', (words) => {
  expect(() => at(words)).toThrow(/is not a time/);
});
