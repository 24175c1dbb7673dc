import type { ReportEvent } from './event.js';
import type { SessionReport } from './session.js';

/** Makes sessions of events that come in order of time. */
export class SessionBuilder {
  add(_event: ReportEvent): void {}

  finish(): SessionReport {
    return { sessions: [], hosts: [], unmatched: [] };
  }
}
