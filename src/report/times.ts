/** Moments as ausearch and auvirt take them, and as ISO 8601 writes them. All are local time where no zone is given. */
import { readFileSync } from 'node:fs';
import { VirtshimError } from '../errors.js';

export interface Now {
  readonly now: Date;
  /** Of the environment: how it writes dates. */
  readonly locale: string;
}

export function currently(env: NodeJS.ProcessEnv = process.env): Now {
  return { now: new Date(), locale: env.LC_ALL || env.LC_TIME || env.LANG || 'C' };
}

/** Which end of a period the moment is: a day alone begins at midnight and ends a day later. */
export type Edge = 'start' | 'end';

/**
 * `[date] [time]`: a date of the locale (01/31/26 in locale C) or of ISO 8601, one of the words that ausearch knows,
 * `90m`, `2h`, `1d`, `1w` for that long ago, or `@` and seconds since 1970.
 * @throws VirtshimError VIRTSHIM_USAGE
 */
export function parseMoment(words: readonly string[], edge: Edge, { now, locale }: Now = currently()): Date {
  const [first = '', second] = words;
  const moment =
    words.length > 2 ? undefined : (single(first, second, edge, now) ?? dated(first, second, edge, now, locale));
  if (moment !== undefined && !Number.isNaN(moment.getTime())) return moment;
  throw new VirtshimError('VIRTSHIM_USAGE', `\`${words.join(' ')}\` is not a time`, {
    hint:
      'write 2026-01-31, 2026-01-31T14:30, 01/31/26 14:30:00 as in your locale, @1795413763, ' +
      `90m, 2h, 1d for that long ago, or ${Object.keys(WORDS).join(', ')}`,
  });
}

const SECOND = 1000;
const DAY = 86400 * SECOND;
const UNITS: Readonly<Record<string, number>> = { s: SECOND, m: 60 * SECOND, h: 3600 * SECOND, d: DAY, w: 7 * DAY };

/** What stands for itself, without a time of day after it. */
function single(first: string, second: string | undefined, edge: Edge, now: Date): Date | undefined {
  if (second !== undefined) return undefined;
  const ago = /^(\d+)([smhdw])$/.exec(first);
  if (ago !== null) return new Date(now.getTime() - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0));
  const epoch = /^@(\d+(?:\.\d+)?)$/.exec(first)?.[1];
  if (epoch !== undefined) return new Date(Number(epoch) * SECOND);
  if (first === 'now' || (first === 'today' && edge === 'end')) return now;
  if (first === 'recent') return new Date(now.getTime() - 600 * SECOND);
  if (first === 'boot') return bootTime(now);
  if (/^\d{4}-\d{2}-\d{2}[T ]\d/.test(first)) return wholeSecond(new Date(first), first, edge);
  return undefined;
}

/** A day, or today, and the time of the day. */
function dated(first: string, second: string | undefined, edge: Edge, now: Date, locale: string): Date | undefined {
  const timeAlone = second === undefined && CLOCK.test(first);
  const day = timeAlone ? midnight(now) : (WORDS[first]?.(now) ?? parseDate(first, locale));
  const clock = timeAlone ? first : second;
  if (day === undefined) return undefined;
  if (clock === undefined) return edge === 'end' && WORDS[first] === undefined ? endOfDay(day) : day;
  const [, hours, minutes, seconds] = CLOCK.exec(clock) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds ?? 0) > 60) return undefined;
  day.setHours(Number(hours), Number(minutes), Number(seconds ?? 0));
  return wholeSecond(day, clock, edge);
}

const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;

/** The end of a period takes in the second that it names. */
function wholeSecond(moment: Date, text: string, edge: Edge): Date {
  return edge === 'end' && !/\.\d/.test(text) ? new Date(moment.getTime() + SECOND - 1) : moment;
}

function midnight(of: Date, days = 0): Date {
  return new Date(of.getFullYear(), of.getMonth(), of.getDate() + days);
}

/** The last millisecond of the day of a moment, local time. */
export function endOfDay(day: Date): Date {
  return new Date(midnight(day, 1).getTime() - 1);
}

const WORDS: Readonly<Record<string, ((now: Date) => Date) | undefined>> = {
  now: (now) => midnight(now),
  recent: (now) => midnight(now),
  boot: (now) => midnight(bootTime(now)),
  today: (now) => midnight(now),
  yesterday: (now) => midnight(now, -1),
  'this-hour': (now) => new Date(now.getFullYear(), now.getMonth(), now.getDate(), now.getHours()),
  'this-week': (now) => midnight(now, -now.getDay()),
  'week-ago': (now) => midnight(now, -7),
  'this-month': (now) => new Date(now.getFullYear(), now.getMonth(), 1),
  'this-year': (now) => new Date(now.getFullYear(), 0, 1),
};

/** When this machine was started; without /proc that is not known, and everything since 1970 is. */
function bootTime(now: Date): Date {
  try {
    const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
    return new Date(now.getTime() - Math.round(uptime) * SECOND);
  } catch {
    return new Date(0);
  }
}

/** 2026-01-31, 31.01.2026, or with slashes in the order of the locale; years of two digits are those since 1969. */
function parseDate(text: string, locale: string): Date | undefined {
  const parts = /^(\d+)([-./])(\d+)\2(\d+)$/.exec(text);
  if (parts === null) return undefined;
  const [, first = '', separator, second = '', third = ''] = parts;
  if (first.length === 4) return validDay(first, second, third);
  const monthFirst = separator === '/' && /^(C|POSIX|en_US|en_PH)\b|^C\./.test(locale);
  return monthFirst ? validDay(third, first, second) : validDay(third, second, first);
}

function validDay(year: string, month: string, day: string): Date | undefined {
  if (year.length !== 4 && year.length !== 2) return undefined;
  const full = Number(year) + (year.length === 4 ? 0 : Number(year) < 69 ? 2000 : 1900);
  const date = new Date(full, Number(month) - 1, Number(day));
  return date.getMonth() === Number(month) - 1 && date.getDate() === Number(day) ? date : undefined;
}
