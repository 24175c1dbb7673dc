/** Times as people write them, made into beginnings of the times of records. */
import { VirtshimError } from '../../errors.js';

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

/**
 * `90m` (that long ago), a date, a date with time (local where no zone is given), `now`, `today`, `yesterday`, or
 * `@` and seconds since 1970. A day alone is the whole day: `edge` says which end of it is meant.
 * @returns UTC, as records have it, without the Z: `2026-11-23T05:30:01.123`
 * @throws VirtshimError VIRTSHIM_USAGE
 */
export function parseMoment(text: string, edge: 'start' | 'end', now: Date = new Date()): string {
  // What a record says is taken to the nanosecond.
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{4,9}Z$/.test(text)) return text.slice(0, -1);
  const moment = agoOrEpoch(text, now) ?? dateOf(text, edge, now);
  if (moment === undefined || Number.isNaN(moment.getTime())) {
    throw new VirtshimError('VIRTSHIM_USAGE', `\`${text}\` is not a time`, {
      hint: 'write 2026-01-31, 2026-01-31T14:30, today, yesterday, @1795413763, or 90m, 2h, 1d for that long ago',
    });
  }
  return moment.toISOString().slice(0, -1);
}

function agoOrEpoch(text: string, now: Date): Date | undefined {
  const [, count, unit = ''] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() - Number(count) * (UNITS[unit] ?? 0));
  const epoch = /^@(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  return epoch === undefined ? undefined : new Date(Number(epoch) * 1000);
}

function dateOf(text: string, edge: 'start' | 'end', now: Date): Date | undefined {
  if (text === 'now') return now;
  if (text === 'today') return edgeOf(now, 0, edge);
  if (text === 'yesterday') return edgeOf(now, -1, edge);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return undefined;
  const dateOnly = /^\d{4}-\d{2}-\d{2}$/.test(text);
  return new Date(dateOnly ? `${text}${edge === 'start' ? 'T00:00:00' : 'T23:59:59.999'}` : text);
}

/** The beginning or the end of the day that is `days` from that of `moment`, local time. */
function edgeOf(moment: Date, days: number, edge: 'start' | 'end'): Date {
  const [year, month, day] = [moment.getFullYear(), moment.getMonth(), moment.getDate() + days];
  return edge === 'start' ? new Date(year, month, day) : new Date(year, month, day, 23, 59, 59, 999);
}
