/** CADF, the Cloud Auditing Data Federation of DMTF: DSP0262 1.0.0. */
import type { TrailRecord } from '../record.js';
import { type ExportContext, type ExportedEvent, outcomeOf, present, responsible } from './context.js';
import { type Verb, verbOf } from './verb.js';

/** Words of its action taxonomy, some with a further step of our own. */
const ACTIONS: Readonly<Record<Verb, string>> = {
  connect: 'authenticate/login',
  disconnect: 'authenticate/logout',
  read: 'read',
  create: 'create',
  configure: 'configure',
  update: 'update',
  delete: 'delete',
  start: 'start',
  stop: 'stop',
  restart: 'start/restart',
  suspend: 'stop/suspend',
  resume: 'start/resume',
  save: 'backup',
  restore: 'restore',
  capture: 'capture',
  migrate: 'deploy/migrate',
};

/** Words of its resource taxonomy. */
const RESOURCES: Readonly<Record<string, string>> = {
  connect: 'service/compute',
  domain: 'compute/machine',
  'domain-snapshot': 'compute/machine/snapshot',
  'domain-checkpoint': 'compute/machine/checkpoint',
  network: 'network/domain',
  'network-port': 'network/connection',
  interface: 'network/node',
  'storage-pool': 'storage/container',
  'storage-vol': 'storage/volume',
  secret: 'data/security/credential',
  'node-device': 'compute/node',
  nwfilter: 'data/security/policy',
  'nwfilter-binding': 'data/security/policy',
  stream: 'network/connection',
};

export function cadfEvent(record: TrailRecord, context: ExportContext): ExportedEvent {
  return present({
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
    id: `urn:virtshim:${context.host}:record:${record.notice === undefined ? record.rid : `${record.rid}:${record.seq}`}`,
    eventType: record.notice === undefined ? 'activity' : 'control',
    name: record.event ?? record.notice?.kind,
    // The specification wants an offset, and no Z.
    eventTime: record.time.replace(/Z$/, '+00:00'),
    action: record.event === undefined ? 'notify' : ACTIONS[verbOf(record.event)],
    outcome: record.notice === undefined ? outcomeOf(record) : 'success',
    reason: reason(record),
    initiator: initiator(record, context),
    target: target(record, context),
    observer: { id: `urn:virtshim:${context.host}`, typeURI: 'service/security', name: 'virtshim' },
    attachments: [{ contentType: 'urn:virtshim:trail-schema:1', content: record, name: 'record' }],
  });
}

function initiator(record: TrailRecord, { host, userName }: ExportContext): ExportedEvent {
  const user = responsible(record);
  return present({
    id: `urn:virtshim:${host}:user:${user}`,
    typeURI: 'data/security/account/user',
    name: userName?.(user) ?? String(user),
    host: { id: `urn:virtshim:${host}`, agent: record.exe || record.comm },
  });
}

function target({ resource, connection, policy, notice }: TrailRecord, { host }: ExportContext): ExportedEvent {
  if (notice !== undefined) {
    const id = `urn:virtshim:${host}:policy${policy === undefined ? '' : `:${policy}`}`;
    return { id, typeURI: 'data/security/policy', name: 'policy' };
  }
  const kind = resource?.kind ?? 'connect';
  const name = resource?.name ?? connection?.uri;
  return present({
    id: uuidUrn(resource?.uuid) ?? `urn:virtshim:${host}:${kind}:${encodeURIComponent(wellFormed(name ?? 'unknown'))}`,
    typeURI: RESOURCES[kind] ?? 'service/compute',
    name,
    domain: resource?.parent,
    addresses: connection?.uri === undefined ? undefined : [{ url: connection.uri, name: 'connection' }],
  });
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function uuidUrn(uuid: string | undefined): string | undefined {
  return uuid !== undefined && UUID.test(uuid) ? `urn:uuid:${uuid}` : undefined;
}

/** encodeURIComponent throws at what stands for bytes that are no UTF-8. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** What the policy did where it decided, libvirt's error where that was the reason. */
function reason(record: TrailRecord): ExportedEvent | undefined {
  const { decision, error, policy, notice } = record;
  if (notice !== undefined) {
    return {
      reasonType: 'urn:virtshim:notice',
      reasonCode: notice.kind,
      policyType: POLICY,
      policyId: policy ?? 'none',
    };
  }
  const failed = decision?.effect === 'permitted' && error !== undefined && record.success !== true;
  return present({
    reasonType: failed ? 'urn:libvirt:virErrorNumber' : 'urn:virtshim:effect',
    reasonCode: failed ? String(error.code) : (decision?.effect ?? 'permitted'),
    policyType: POLICY,
    policyId: [policy ?? 'none', decision?.rule].filter((part) => part !== undefined).join('/'),
  });
}

const POLICY = 'urn:virtshim:policy';
