/** What events need besides the record itself. */
import type { TrailRecord } from '../record.js';
import { UNSET, type Verdict, verdictOf } from '../verdict.js';

export interface ExportContext {
  /** The machine that the trail is of: records do not name it. */
  readonly host: string;
  /** Of virtshim. */
  readonly version: string;
  /** The name of a user of that machine, where it is known. */
  readonly userName?: (uid: number) => string | undefined;
}

/** An event of another system: a JSON object. */
export type ExportedEvent = Readonly<Record<string, unknown>>;

export type Exporter = (record: TrailRecord, context: ExportContext) => ExportedEvent;

/** What became of a call: `unknown` where no answer is recorded. */
export type Outcome = 'success' | 'failure' | 'unknown';

export function outcomeOf({ success }: TrailRecord): Outcome {
  return success === undefined ? 'unknown' : success ? 'success' : 'failure';
}

/** The user behind the call: who logged in, where that is known; else as whom the process ran. */
export function responsible({ uid, auid }: TrailRecord): number {
  return auid === UNSET ? uid : auid;
}

/** Why it ended so; undefined where there is nothing to say. */
export function reasonOf({ decision, error }: TrailRecord): string | undefined {
  const denied = decision !== undefined && decision.effect !== 'permitted';
  return (denied ? decision.reason : error?.message) || undefined;
}

export function describe(record: TrailRecord, { userName }: ExportContext): string {
  if (record.notice !== undefined) return `${record.notice.kind}: ${record.notice.text}`;
  const { resource, uid, comm } = record;
  const on = resource === undefined ? '' : ` on ${resource.kind} ${resource.name ?? resource.uuid ?? ''}`.trimEnd();
  const verdict: Verdict | 'unanswered' = record.type === 'methodcall' ? 'unanswered' : verdictOf(record);
  const reason = reasonOf(record);
  const what = `${record.event}${on} by ${userName?.(uid) ?? uid} with ${comm}: ${verdict}`;
  return reason === undefined ? what : `${what}: ${reason}`;
}

/** Only what is there. */
export function present(values: Readonly<Record<string, unknown>>): ExportedEvent {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
