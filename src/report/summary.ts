import type { SessionReport } from './session.js';

export interface Summary {
  /** Milliseconds since 1970 of the first and the last event; undefined where there is none. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly starts: number;
  readonly stops: number;
  readonly resources: number;
  readonly avcs: number;
  readonly anomalies: number;
  /** Starts, stops and assignments that failed. */
  readonly failures: number;
  readonly shutdowns: number;
  readonly boots: number;
  /** Guests that still ran at the end of the log. */
  readonly running: number;
  /** Sessions whose end is in no record of libvirt. */
  readonly lost: number;
  /** AVC and ANOM of no guest that ran at the time. */
  readonly unmatched: number;
}

/** What there is how often in a report. */
export function summaryOf({ sessions, hosts, unmatched }: SessionReport): Summary {
  const times = [...sessions.flatMap(timesOf), ...hosts.map(({ time }) => time)];
  const resources = sessions.flatMap((session) => session.resources.filter(({ start }) => start !== undefined));
  const security = sessions.flatMap((session) => session.security);
  const failedStarts = sessions.filter(({ failed }) => failed).length;
  const ended = (kinds: readonly string[]) => sessions.filter(({ end }) => end && kinds.includes(end.kind)).length;
  return {
    from: times.reduce<number | undefined>((least, time) => Math.min(least ?? time, time), undefined),
    to: times.reduce<number | undefined>((most, time) => Math.max(most ?? time, time), undefined),
    starts: sessions.filter(({ start, failed }) => start !== undefined && !failed).length,
    stops: ended(['stop']),
    resources: resources.filter(({ failed }) => !failed).length,
    avcs: security.filter(({ event }) => event.kind === 'avc').length,
    anomalies: security.filter(({ event }) => event.kind === 'anomaly').length,
    failures:
      failedStarts +
      resources.filter(({ failed }) => failed).length +
      sessions.reduce((sum, { failedStops }) => sum + failedStops.length, 0),
    shutdowns: hosts.filter(({ kind }) => kind === 'shutdown').length,
    boots: hosts.filter(({ kind }) => kind === 'boot').length,
    running: sessions.filter(({ end, failed }) => end === undefined && !failed).length,
    lost: ended(['boot', 'restart', 'shutdown']),
    unmatched: unmatched.length,
  };
}

function timesOf({ start, end, labels, security }: SessionReport['sessions'][number]): number[] {
  const events = [...labels, ...security.map(({ event }) => event)];
  return [start, end, ...events].flatMap((event) => (event === undefined ? [] : [event.time]));
}
