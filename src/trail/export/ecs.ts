/** ECS, the Elastic Common Schema: 8.17. What it has no field for is under `virtshim`. */
import type { TrailRecord } from '../record.js';
import { UNSET } from '../verdict.js';
import {
  describe,
  type ExportContext,
  type ExportedEvent,
  outcomeOf,
  present,
  reasonOf,
  responsible,
} from './context.js';
import { type Verb, verbOf } from './verb.js';

/** Of the types that ECS expects of events in the category `api`. */
const TYPES: Readonly<Record<Verb, string>> = {
  connect: 'start',
  disconnect: 'end',
  read: 'access',
  create: 'creation',
  configure: 'change',
  update: 'change',
  delete: 'deletion',
  start: 'start',
  stop: 'end',
  restart: 'change',
  suspend: 'change',
  resume: 'change',
  save: 'change',
  restore: 'change',
  capture: 'creation',
  migrate: 'change',
};

export function ecsEvent(record: TrailRecord, context: ExportContext): ExportedEvent {
  const { decision, error, policy } = record;
  const names = [record.uid, responsible(record)].map((uid) => context.userName?.(uid) ?? String(uid));
  return present({
    '@timestamp': record.time,
    ecs: { version: '8.17.0' },
    message: describe(record, context),
    event: event(record),
    user: user(record, context),
    process: present({ pid: record.pid, name: record.comm, executable: record.exe, thread: { id: record.tid } }),
    host: { hostname: context.host, name: context.host },
    rule:
      decision?.rule === undefined ? undefined : present({ id: decision.rule, name: decision.rule, ruleset: policy }),
    error: error === undefined ? undefined : { code: String(error.code), message: error.message },
    related: { user: [...new Set(names)], hosts: [context.host] },
    virtshim: own(record),
  });
}

function event(record: TrailRecord): ExportedEvent {
  const { rid, seq, notice, decision, durationNs } = record;
  const common = { kind: 'event', provider: 'virtshim', module: 'virtshim', dataset: 'virtshim.trail', sequence: seq };
  if (notice !== undefined) {
    return {
      ...common,
      category: ['configuration'],
      type: [typeOfNotice(notice.kind)],
      action: notice.kind,
      id: `${rid}-${seq}`,
    };
  }
  const name = record.event ?? '';
  return present({
    ...common,
    category: ['api'],
    type: [TYPES[verbOf(name)], decision?.effect === 'denied' ? 'denied' : 'allowed'],
    action: name,
    outcome: outcomeOf(record),
    id: rid,
    reason: reasonOf(record),
    duration: durationNs,
  });
}

const typeOfNotice = (kind: string) => (kind === 'policy-loaded' ? 'change' : 'info');

/** Who logged in, and as whom the process acts where that is another one. */
function user(record: TrailRecord, context: ExportContext): ExportedEvent {
  const account = (uid: number) => present({ id: String(uid), name: context.userName?.(uid) });
  const main = responsible(record);
  return main === record.uid ? account(main) : { ...account(main), effective: account(record.uid) };
}

function own(record: TrailRecord): ExportedEvent {
  const { tty, subj, ses, policy, nested, chain, asserted, connection, resource, params } = record;
  return present({
    ...{ tty, subj, policy, nested, chain, asserted, connection, resource },
    ses: ses === UNSET ? undefined : ses,
    effect: record.decision?.effect,
    arguments: params.length === 0 ? undefined : params,
    error_domain: record.error?.domain,
  });
}
