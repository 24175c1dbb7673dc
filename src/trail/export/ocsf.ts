/** OCSF, the Open Cybersecurity Schema Framework: 1.3.0. Calls are API Activity, notices Application Lifecycle. */
import type { TrailRecord } from '../record.js';
import { UNSET } from '../verdict.js';
import {
  describe,
  type ExportContext,
  type ExportedEvent,
  type Outcome,
  outcomeOf,
  present,
  reasonOf,
  responsible,
} from './context.js';
import { type Verb, verbOf } from './verb.js';

const ACTIVITIES = { Create: 1, Read: 2, Update: 3, Delete: 4, Other: 99 } as const;
type Activity = keyof typeof ACTIVITIES;

/** Its activities are the four of databases: what starts or stops something updates it. */
const ACTIVITY: Readonly<Partial<Record<Verb, Activity>>> = {
  connect: 'Other',
  disconnect: 'Other',
  read: 'Read',
  create: 'Create',
  capture: 'Create',
  delete: 'Delete',
};

const STATUS: Readonly<Record<Outcome, readonly [id: number, caption: string]>> = {
  unknown: [0, 'Unknown'],
  success: [1, 'Success'],
  failure: [2, 'Failure'],
};

const CATEGORY = { category_uid: 6, category_name: 'Application Activity' };

export function ocsfEvent(record: TrailRecord, context: ExportContext): ExportedEvent {
  return record.notice === undefined ? apiActivity(record, context) : lifecycle(record, context);
}

function apiActivity(record: TrailRecord, context: ExportContext): ExportedEvent {
  const { event = '', error, connection, durationNs } = record;
  const [statusId, status] = STATUS[outcomeOf(record)];
  return present({
    ...classified(6003, 'API Activity', ...activityOf(verbOf(event))),
    ...occurred(record, context),
    ...severity(record),
    status_id: statusId,
    status,
    status_code: error === undefined ? undefined : String(error.code),
    status_detail: reasonOf(record),
    duration: durationNs === undefined ? undefined : Math.round(durationNs / 1e6),
    actor: actor(record, context),
    api: api(record),
    src_endpoint: { hostname: context.host },
    resources: resources(record),
    unmapped: present({
      ...{ connection, tty: record.tty, subj: record.subj, nested: record.nested, chain: record.chain },
      ...{ asserted: record.asserted, arguments: record.params, duration_ns: durationNs, error_domain: error?.domain },
    }),
  });
}

function activityOf(verb: Verb): [id: number, caption: string] {
  const activity = ACTIVITY[verb] ?? 'Update';
  return [ACTIVITIES[activity], activity === 'Other' ? verb : activity];
}

function lifecycle(record: TrailRecord, context: ExportContext): ExportedEvent {
  const kind = record.notice?.kind ?? '';
  return present({
    ...classified(6002, 'Application Lifecycle', ACTIVITIES.Other, kind),
    ...occurred(record, context),
    ...{ severity_id: 1, severity: 'Informational', status_id: 0, status: 'Unknown' },
    app: product(context),
    unmapped: present({
      policy: record.policy,
      chain: record.chain,
      pid: record.pid,
      uid: record.uid,
      exe: record.exe,
    }),
  });
}

function classified(uid: number, name: string, activity: number, caption: string): ExportedEvent {
  return {
    ...CATEGORY,
    class_uid: uid,
    class_name: name,
    activity_id: activity,
    activity_name: caption,
    type_uid: uid * 100 + activity,
    type_name: `${name}: ${activity === ACTIVITIES.Other ? 'Other' : caption}`,
  };
}

function occurred(record: TrailRecord, context: ExportContext): ExportedEvent {
  return {
    time: Date.parse(`${record.time.slice(0, 23)}Z`),
    message: describe(record, context),
    metadata: {
      version: '1.3.0',
      product: product(context),
      uid: record.notice === undefined ? record.rid : `${record.rid}-${record.seq}`,
      sequence: record.seq,
      event_code: record.event ?? record.notice?.kind,
      log_name: 'trail.xml',
      log_provider: 'virtshim',
      original_time: record.time,
    },
  };
}

const product = ({ version }: ExportContext) => ({ name: 'virtshim', vendor_name: 'virtshim', version });

/** A refusal is worth a look, a failure less so. */
function severity({ decision, success }: TrailRecord): ExportedEvent {
  if (decision?.effect === 'denied') return { severity_id: 3, severity: 'Medium' };
  return success === false ? { severity_id: 2, severity: 'Low' } : { severity_id: 1, severity: 'Informational' };
}

function actor(record: TrailRecord, { userName }: ExportContext): ExportedEvent {
  const user = (uid: number) => present({ uid: String(uid), name: userName?.(uid) });
  const { exe, decision, policy } = record;
  return present({
    user: user(responsible(record)),
    session: record.ses === UNSET ? undefined : { uid: String(record.ses) },
    process: present({
      ...{ pid: record.pid, tid: record.tid, name: record.comm, user: user(record.uid) },
      file: exe === '' ? undefined : { name: exe.replace(/.*\//s, ''), path: exe, type_id: 1, type: 'Regular File' },
    }),
    authorizations: [
      {
        decision: decision?.effect ?? 'permitted',
        policy: present({ uid: policy, name: decision?.rule ?? 'default' }),
      },
    ],
  });
}

function api({ event, rid, error }: TrailRecord): ExportedEvent {
  return present({
    operation: event,
    service: { name: 'libvirt' },
    request: { uid: rid },
    response:
      error === undefined
        ? undefined
        : { code: error.code, error: `virErrorNumber ${error.code}`, error_message: error.message },
  });
}

function resources({ resource, connection }: TrailRecord): ExportedEvent[] | undefined {
  const [uid, name] = [resource?.uuid, resource?.name ?? connection?.uri];
  if (uid === undefined && name === undefined) return undefined;
  return [
    present({ uid, name, type: resource?.kind ?? 'connect', group: resource?.parent && { name: resource.parent } }),
  ];
}
