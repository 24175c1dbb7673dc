/** Which records a reader wants to see. */
import { VirtshimError } from '../../errors.js';
import type { TrailRecord } from '../../trail/record.js';

export interface FilterOptions {
  readonly vm?: string;
  readonly uuid?: string;
  readonly function?: string;
  readonly verdict?: Verdict;
  readonly actor?: string;
  readonly rid?: string;
  readonly since?: string;
  readonly until?: string;
}

/** How a call ended: `failed` was permitted, but libvirt did not do it. */
export const VERDICTS = ['permitted', 'failed', 'denied', 'would-deny'] as const;
export type Verdict = (typeof VERDICTS)[number];

export type Filter = (record: TrailRecord) => boolean;

/** All given conditions have to hold. Notices pass only where nothing but time is asked for. */
export function makeFilter(options: FilterOptions, now: Date = new Date()): Filter {
  const filters: Filter[] = [];
  const { vm, uuid, rid, verdict, actor, since, until } = options;
  if (vm !== undefined) filters.push((record) => domainOf(record) === vm);
  if (uuid !== undefined) filters.push((record) => record.resource?.uuid === uuid.toLowerCase());
  if (options.function !== undefined) filters.push(functionFilter(options.function));
  if (verdict !== undefined)
    filters.push((record) => record.type === 'methodresponse' && verdictOf(record) === verdict);
  if (actor !== undefined) filters.push((record) => record.asserted?.actor === actor);
  if (rid !== undefined) filters.push((record) => record.rid === rid.toLowerCase());
  if (since !== undefined) filters.push(notBefore(parseMoment(since, now, 'start')));
  if (until !== undefined) filters.push(notAfter(parseMoment(until, now, 'end')));
  return (record) => filters.every((filter) => filter(record));
}

/** A snapshot's and a checkpoint's record has its guest as parent. */
function domainOf(record: TrailRecord): string | undefined {
  const { resource } = record;
  if (resource?.kind === 'domain') return resource.name;
  return resource?.kind.startsWith('domain-') === true ? resource.parent : undefined;
}

function functionFilter(pattern: string): Filter {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`);
  return (record) => record.event !== undefined && expression.test(record.event);
}

export function verdictOf(record: TrailRecord): Verdict {
  const effect = record.decision?.effect ?? 'permitted';
  return effect === 'permitted' && record.success === false ? 'failed' : effect;
}

// Times are compared as text: both are ISO 8601 in UTC.
const notBefore = (moment: Date): Filter => {
  const text = moment.toISOString().slice(0, -1);
  return (record) => record.time >= text;
};

const notAfter = (moment: Date): Filter => {
  const text = `${moment.toISOString().slice(0, -1)}999999Z`;
  return (record) => record.time <= text;
};

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** `90m` (that long ago), a date, or a date with time; local time where no zone is given. A date alone is its whole day. */
function parseMoment(text: string, now: Date, edge: 'start' | 'end'): Date {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return new Date(now.getTime() - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0));
  const dateOnly = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = edge === 'start' ? 'T00:00:00' : 'T23:59:59.999';
  const moment = new Date(dateOnly ? `${text}${time}` : text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(moment.getTime())) {
    throw new VirtshimError('VIRTSHIM_USAGE', `\`${text}\` is not a time`, {
      hint: 'write 2026-01-31, 2026-01-31T14:30, or 90m, 2h, 1d for that long ago',
    });
  }
  return moment;
}
