import type { TimelineEntry } from './timeline.js';

/**
 * Where an entry stands among others: the kernel's clock is coarse and audit logs hold milliseconds, but nothing comes
 * before the call that caused it.
 */
export function placeOf(entry: TimelineEntry): number {
  const caused = 'cause' in entry && entry.cause.kind === 'call';
  return caused ? Math.max(entry.time, entry.cause.call.time) : entry.time;
}

/** The order of a timeline. */
export const byPlace = (a: TimelineEntry, b: TimelineEntry): number => placeOf(a) - placeOf(b);
