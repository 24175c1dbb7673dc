/** Which part of a report is asked for. */
import type { Guest } from './event.js';
import type { ResourcePeriod, Session, SessionReport } from './session.js';

export interface Selection {
  /** Milliseconds since 1970, both inclusive: what was going on in this time. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly vm?: string | undefined;
  readonly uuid?: string | undefined;
}

/** The sessions of a guest that were going on at some time between `since` and `until`, with what happened then. */
export function select(report: SessionReport, selection: Selection): SessionReport {
  const within = (time: number) => time >= (selection.since ?? -Infinity) && time <= (selection.until ?? Infinity);
  const wholeHost = selection.vm === undefined && selection.uuid === undefined;
  const sessions = report.sessions
    .filter((session) => isOfGuest(session.guest, selection) && overlaps(spanOf(session), selection))
    .map((session) => ({
      ...session,
      resources: session.resources.filter((period) => overlaps(spanOfResource(period), selection)),
      security: session.security.filter(({ event }) => within(event.time)),
      failedStops: session.failedStops.filter(({ time }) => within(time)),
    }));
  return {
    sessions,
    hosts: report.hosts.filter(({ time }) => within(time)),
    unmatched: wholeHost ? report.unmatched.filter(({ time }) => within(time)) : [],
  };
}

function isOfGuest({ name, uuid }: Guest, selection: Selection): boolean {
  if (selection.vm !== undefined && name !== selection.vm) return false;
  return selection.uuid === undefined || uuid === selection.uuid.toLowerCase();
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function overlaps({ from, to }: Span, { since, until }: Selection): boolean {
  return to >= (since ?? -Infinity) && from <= (until ?? Infinity);
}

/** From when to when a session lasted; one that failed is a moment, the ends that nobody knows are endless. */
export function spanOf({ start, end, failed }: Session): Span {
  const from = start?.time ?? -Infinity;
  return { from, to: failed ? from : (end?.time ?? Infinity) };
}

function spanOfResource({ start, end, failed }: ResourcePeriod): Span {
  const from = start?.time ?? -Infinity;
  return { from, to: failed ? from : (end?.time ?? Infinity) };
}
