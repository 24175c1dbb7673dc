/** Times as people write them, made into beginnings of the times of records. */
import { currently, type Edge, endOfDay, parseMoment } from '../../report/times.js';

/** A day that a word names is all of it; to ausearch, whose words these are, it is its first moment. */
const DAYS = new Set(['today', 'yesterday']);

/**
 * What reports take, in one text, or the time of a record.
 * @returns UTC, as records have it, without the Z: `2026-11-23T05:30:01.123`
 * @throws VirtshimError VIRTSHIM_USAGE
 */
export function parseRecordTime(text: string, edge: Edge, now: Date = new Date()): string {
  // What a record says is taken to the nanosecond.
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{4,9}Z$/.test(text)) return text.slice(0, -1);
  const at = (from: Edge) => parseMoment(text.trim().split(/\s+/), from, { ...currently(), now });
  const moment = edge === 'end' && DAYS.has(text.trim()) ? endOfDay(at('start')) : at(edge);
  return moment.toISOString().slice(0, -1);
}
