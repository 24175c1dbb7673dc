// --since and --until of `virtshim trail`.
import { expect, test } from '@jest/globals';
import { parseRecordTime } from '../../src/cli/trail/record_times.js';

const now = new Date(2026, 3, 15, 13, 45, 30, 500);
const day = (month: number, date: number, ...clock: number[]) =>
  new Date(2026, month - 1, date, ...clock).toISOString();

test.each([
  ['2026-01-31', day(1, 31), day(1, 31, 23, 59, 59, 999)],
  ['2026-01-31T14:30', day(1, 31, 14, 30), day(1, 31, 14, 30, 0, 999)],
  ['2026-01-31 14:30:05', day(1, 31, 14, 30, 5), day(1, 31, 14, 30, 5, 999)],
  ['today', day(4, 15), day(4, 15, 23, 59, 59, 999)],
  ['yesterday', day(4, 14), day(4, 14, 23, 59, 59, 999)],
  ['now', now.toISOString(), now.toISOString()],
  ['90m', day(4, 15, 12, 15, 30, 500), day(4, 15, 12, 15, 30, 500)],
  ['2026-01-31T14:30:00.123456789Z', '2026-01-31T14:30:00.123456789Z', '2026-01-31T14:30:00.123456789Z'],
])('%s', (text, since, until) => {
  expect(`${parseRecordTime(text, 'start', now)}Z`).toBe(since);
  expect(`${parseRecordTime(text, 'end', now)}Z`).toBe(until);
});

test.each(['once', '', '2026-02-31', '2026-01-31T25:00', 'yesterday today 1'])('`%s` is no time', (text) => {
  expect(() => parseRecordTime(text, 'start', now)).toThrow(expect.objectContaining({ code: 'VIRTSHIM_USAGE' }));
});
