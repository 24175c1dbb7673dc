/** The resources that one guest was given, from its start or the attempt at one. */
import type { Mutable } from '../mutable.js';
import type { ReportEvent, ResourceEvent } from './event.js';
import type { ResourcePeriod } from './session.js';

type Period = Mutable<ResourcePeriod>;

/** Told which periods begin and end, to know who holds what. */
export interface HoldingsWatch {
  opened(period: ResourcePeriod): void;
  closed(period: ResourcePeriod): void;
}

export class Holdings {
  readonly periods: Period[] = [];
  /** By kind and value; a list that is empty says that there was one. */
  #open: Map<string, Period[]> | undefined;
  readonly #watch: HoldingsWatch;
  #last: ResourcePeriod['end'];

  constructor(watch: HoldingsWatch) {
    this.#watch = watch;
  }

  /** What an event takes away, then what it gives. Of attempts that failed only what they were to give is kept. */
  apply(event: ResourceEvent): void {
    const { resource, before, after, success, reason } = event;
    if (resource === 'cgroup' && reason === 'deny') this.#deny(event);
    else {
      if (before !== undefined && success) this.#take(resource, before, event);
      if (after !== undefined) this.#give(resource, after, event);
    }
  }

  /** Everything that is still held ends. */
  closeAll(time: number, event: ReportEvent): void {
    for (const periods of this.#open?.values() ?? []) {
      for (const period of periods.splice(0)) this.#close(period, time, event);
    }
    this.#open = undefined;
  }

  #give(kind: string, value: string, start: ResourceEvent): void {
    const period: Period = { kind, value, start, failed: !start.success };
    this.periods.push(period);
    if (period.failed) return;
    this.#opened(kind, value).push(period);
    this.#watch.opened(period);
  }

  #take(kind: string, value: string, event: ResourceEvent): void {
    const known = this.#open?.has(keyOf(kind, value)) === true;
    const period = this.#opened(kind, value).pop();
    if (period !== undefined) this.#close(period, event.time, event);
    // What was never given was there before the log begins; what was taken already is not taken again.
    else if (!known) this.periods.push({ kind, value, failed: false, end: { time: event.time, event } });
  }

  /** A denial ends the permission for the same thing; itself it is an event without a duration. */
  #deny(event: ResourceEvent): void {
    const { after: value, success, time } = event;
    if (value === undefined) return;
    const allowed = success ? this.#open?.get(keyOf('cgroup', value))?.pop() : undefined;
    if (allowed !== undefined) this.#close(allowed, time, event);
    this.periods.push({
      kind: 'cgroup',
      value,
      start: event,
      failed: !success,
      ...(success && { end: { time, event } }),
    });
  }

  #opened(kind: string, value: string): Period[] {
    const key = keyOf(kind, value);
    this.#open ??= new Map();
    const periods = this.#open.get(key) ?? [];
    this.#open.set(key, periods);
    return periods;
  }

  /** Most of what a guest holds ends with one event. */
  #endOf(time: number, event: ReportEvent): NonNullable<ResourcePeriod['end']> {
    if (this.#last?.event !== event) this.#last = { time, event };
    return this.#last;
  }

  #close(period: Period, time: number, event: ReportEvent): void {
    period.end = this.#endOf(time, event);
    this.#watch.closed(period);
  }
}

function keyOf(kind: string, value: string): string {
  return `${kind}\0${value}`;
}
