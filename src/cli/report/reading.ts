import { type AuditInput, type ReadAuditOptions, readAuditBatches } from '../../audit/read.js';
import type { CallEvent, ReportEvent } from '../../report/event.js';
import type { SessionReport } from '../../report/session.js';
import { SessionBuilder } from '../../report/sessions.js';
import { trailEvents } from '../../report/trail_events.js';
import type { TrailFilter } from '../../trail/filter.js';
import { readTrail } from '../../trail/read.js';
import type { Outcome } from '../outcome.js';
import { Progress } from '../progress.js';
import { Problems } from '../trail/problems.js';

/** Reads audit logs for a command: with progress on a terminal, and with every line that cannot be read told. */
export class LogReading {
  readonly #problems = new Problems();
  readonly #progress = new Progress('reading');

  /** The events of audit logs by time, many at a time. */
  async *events(inputs: readonly AuditInput[], options: ReadAuditOptions): AsyncGenerator<readonly ReportEvent[]> {
    yield* readAuditBatches(inputs, {
      ...options,
      onUnreadable: (line) => {
        this.#progress.clear();
        this.#problems.report(line, line.reason);
      },
      onProgress: (done, total) => this.#progress.update(done, total),
    });
    this.#progress.clear();
  }

  /** The calls of a trail: not by time. */
  async *trail(path: string, filter: TrailFilter): AsyncGenerator<CallEvent> {
    yield* trailEvents(readTrail(path, { filter, onRead: this.#progress.counter() }), (line) => {
      this.#progress.clear();
      this.#problems.report(line, line.reason);
    });
    this.#progress.clear();
  }

  async sessions(inputs: readonly AuditInput[], options: ReadAuditOptions): Promise<SessionReport> {
    const builder = new SessionBuilder();
    for await (const events of this.events(inputs, options)) for (const event of events) builder.add(event);
    return builder.finish();
  }

  /** After the output: how many lines could not be read. */
  finish(): Outcome {
    return this.#problems.finish();
  }
}
