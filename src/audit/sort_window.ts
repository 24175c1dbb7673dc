import type { ReportEvent } from '../report/event.js';

/** So many events are held back, so that one which stands that far behind its place is still put there. */
const HELD = 20_000;

/**
 * Events by time, in memory that does not grow with the log: logs of fewer events are sorted wholly, of longer ones
 * what is out of order by fewer events than that.
 */
export class SortWindow {
  #held: ReportEvent[] = [];

  /** Takes events, and returns those for which nothing earlier is expected any more. */
  push(events: readonly ReportEvent[]): ReportEvent[] {
    for (const event of events) this.#held.push(event);
    if (this.#held.length < 2 * HELD) return [];
    this.#held.sort(byTime);
    return this.#held.splice(0, this.#held.length - HELD);
  }

  end(): ReportEvent[] {
    const events = this.#held.sort(byTime);
    this.#held = [];
    return events;
  }
}

/** Of one millisecond the serial number tells which came first, also where they come from different files. */
function byTime(a: ReportEvent, b: ReportEvent): number {
  return a.time - b.time || serialOf(a) - serialOf(b) || a.order - b.order;
}

function serialOf({ proof }: ReportEvent): number {
  return Number(proof.id.slice(proof.id.indexOf(':') + 1));
}
