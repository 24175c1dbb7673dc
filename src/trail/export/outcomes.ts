import type { TrailRecord } from '../record.js';

/** So many attempts may wait for their outcome: more are under way in no trail, but a long one has that many dead ones. */
const WAITING = 50_000;

/**
 * One record for each call: its response, or the attempt where there is none. Those come last, when it is known that
 * no answer is recorded. Notices are handed out too.
 */
export class Outcomes {
  readonly #attempts = new Map<string, TrailRecord>();

  /** A record that is an event by itself, if there is one now. */
  take(record: TrailRecord): TrailRecord | undefined {
    if (record.type === 'methodcall') {
      this.#attempts.set(record.rid, record);
      return this.#attempts.size > WAITING ? this.#oldest() : undefined;
    }
    this.#attempts.delete(record.rid);
    return record;
  }

  /** Attempts that were not answered, oldest first. */
  unanswered(): TrailRecord[] {
    return [...this.#attempts.values()];
  }

  #oldest(): TrailRecord | undefined {
    for (const [rid, record] of this.#attempts) {
      this.#attempts.delete(rid);
      return record;
    }
    return undefined;
  }
}
