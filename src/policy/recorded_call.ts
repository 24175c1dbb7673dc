/** A call of a trail, to be judged again. */
import { VirtshimError } from '../errors.js';
import { type ApiArg, functionsByName } from '../generated/api.js';
import type { NativeParameters, NativeScalar } from '../native.js';
import { readTrail } from '../trail/read.js';
import type { TrailItem, TrailParam, TrailRecord } from '../trail/record.js';
import { valueKindOf } from './argument.js';
import type { Request } from './evaluate.js';
import { type NameService, systemNames } from './name_service.js';
import { withSight } from './resource_sight.js';

/** The record of that id: the response where there is one. Throws VIRTSHIM_USAGE where the trail has none. */
export async function findRecord(trail: string, recordId: string): Promise<TrailRecord> {
  const id = recordId.toLowerCase();
  let found: TrailRecord | undefined;
  for await (const { record } of readTrail(trail)) {
    if (record?.rid !== id || record.event === undefined) continue;
    found = record;
    if (record.type === 'methodresponse') break;
  }
  if (found !== undefined) return found;
  throw new VirtshimError('VIRTSHIM_USAGE', `the trail \`${trail}\` has no call with the record id \`${recordId}\``, {
    hint: 'virtshim trail show prints the ids; --trail names another trail',
  });
}

export interface RecordedCall {
  readonly request: Request;
  /** What the record does not tell. */
  readonly notes: readonly string[];
}

/** The request that the record is about. Groups are those that its user has now: records have none. */
export function requestOfRecord(record: TrailRecord, names: NameService = systemNames()): RecordedCall {
  const fn = functionsByName.get(record.event ?? '');
  if (fn === undefined) {
    throw new VirtshimError('VIRTSHIM_USAGE', `the record \`${record.rid}\` is about no function that is known here`);
  }
  const account = names.user(record.uid);
  const args = argumentsOf(record, fn.args);
  const { connection, asserted } = record;
  const request: Request = {
    function: fn.name,
    arguments: args,
    ...{ uid: record.uid, gids: account?.gids ?? [], auid: record.auid },
    ...{ executable: record.exe, command: record.comm, terminal: record.tty ?? '', label: record.subj ?? '' },
    ...{ actor: asserted?.actor ?? '', reason: asserted?.reason ?? '' },
    time: Math.floor(Date.parse(record.time) / 1000),
    ...(connection && { connection: known(connection) }),
    resource: withSight(fn, record.resource && resourceOf(record.resource), args),
    nested: record.nested,
  };
  const groups = `the groups are those that ${account?.name ?? `uid ${record.uid}`} has now: records do not hold them`;
  return { request, notes: [groups, ...incomplete(record)] };
}

function known({ driver, uri, readOnly }: NonNullable<TrailRecord['connection']>): NonNullable<Request['connection']> {
  return {
    ...(driver !== undefined && { driver }),
    ...(uri !== undefined && { uri }),
    ...(readOnly !== undefined && { readOnly }),
  };
}

// A snapshot or checkpoint is judged as its domain; its record has the domain's uuid.
function resourceOf({
  kind,
  name,
  uuid,
  parent,
}: NonNullable<TrailRecord['resource']>): NonNullable<Request['resource']> {
  const ofDomain = kind === 'domain-snapshot' || kind === 'domain-checkpoint';
  const judged = ofDomain ? parent : name;
  return { kind, ...(judged !== undefined && { name: judged }), ...(uuid !== undefined && { uuid }) };
}

type Value = bigint | string | null | NativeParameters;

function argumentsOf({ params }: TrailRecord, args: readonly ApiArg[]): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const param of params) {
    const arg = args.find(({ name }) => name === param.name);
    const value = arg === undefined ? undefined : recordedValue(param, arg);
    if (value !== undefined) values[param.name] = value;
  }
  return values;
}

function recordedValue({ attributes, text, items }: TrailParam, arg: ApiArg): Value | undefined {
  if (attributes.out === '1' || attributes.opaque === '1') return undefined;
  if (arg.type === 'TypedParams') return items.flatMap(fieldOf);
  const kind = valueKindOf(arg);
  if (kind === undefined) return undefined;
  if (attributes.null === '1') return null;
  if (kind === 'string') return text;
  return /^-?[0-9]+$/.test(text) ? BigInt(text) : undefined;
}

function fieldOf({ name, type, value }: TrailItem): (readonly [string, NativeScalar])[] {
  if (name === undefined || value === undefined) return [];
  if (type === 'string') return [[name, value]];
  if (type === 'double') return [[name, Number(value)]];
  if (type === 'boolean') return [[name, value === '1' || value === 'true']];
  return /^-?[0-9]+$/.test(value) ? [[name, BigInt(value)]] : [];
}

function incomplete({ params }: TrailRecord): string[] {
  const texts = params.flatMap((param) => [
    { name: param.name, text: param.text, cut: 'sha256' in param.attributes },
    ...param.items.map(({ name, value }) => ({ name: `${param.name}.${name ?? ''}`, text: value ?? '', cut: false })),
  ]);
  return texts.flatMap(({ name, text, cut }) => {
    if (cut) return [`argument \`${name}\` was cut when it was recorded`];
    if (/hmac:[0-9a-f]{16}/.test(text)) return [`argument \`${name}\` has digests in the place of secrets`];
    return [];
  });
}
