// What CADF (DSP0262 1.0.0), ECS 8.17 and OCSF 1.3.0 ask of the events that are exported: required fields, types,
// vocabularies. Only fields that the specifications define are allowed, but under names of our own.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

type Schema = Record<string, unknown>;

const text: Schema = { type: 'string', minLength: 1 };
const integer: Schema = { type: 'integer' };
const anything: Schema = {};
const oneOf = (...values: unknown[]): Schema => ({ enum: values });
const listOf = (items: Schema, minItems = 1): Schema => ({ type: 'array', items, minItems });

/** All properties that there may be; those whose names end in `!` there have to be. */
function object(properties: Record<string, Schema>, more: Schema = {}): Schema {
  const entries = Object.entries(properties).map(([name, schema]) => [name.replace(/!$/, ''), schema] as const);
  const required = Object.keys(properties).flatMap((name) => (name.endsWith('!') ? [name.slice(0, -1)] : []));
  return { type: 'object', additionalProperties: false, required, properties: Object.fromEntries(entries), ...more };
}

const words = (list: string): string[] => list.trim().split(/\s+/);

// -- CADF

/** Words of its taxonomies; a path may go on behind them. */
const path = (list: string): Schema => ({ type: 'string', pattern: `^(${words(list).join('|')})(/[a-z-]+)*$` });
const actions = path(`backup capture create configure read update delete monitor start stop deploy undeploy enable
  disable send receive authenticate authenticate/login revoke renew restore evaluate allow deny notify unknown`);
const resourceTypes = path('storage compute network service data unknown');
const identifier: Schema = { type: 'string', pattern: '^[a-z]+:\\S+$' };

const cadfHost = object({ id: identifier, address: text, agent: text, platform: text });
const cadfResource = object({
  'id!': identifier,
  'typeURI!': resourceTypes,
  name: text,
  domain: text,
  addresses: listOf(object({ 'url!': text, name: text, port: text })),
  host: cadfHost,
});

const cadf = object(
  {
    'typeURI!': { const: 'http://schemas.dmtf.org/cloud/audit/1.0/event' },
    'id!': identifier,
    'eventType!': oneOf('monitor', 'activity', 'control'),
    'eventTime!': { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?[+-]\\d\\d:\\d\\d$' },
    'action!': actions,
    'outcome!': oneOf('success', 'failure', 'unknown', 'pending'),
    'initiator!': cadfResource,
    'target!': cadfResource,
    'observer!': cadfResource,
    name: text,
    reason: object({ reasonType: text, reasonCode: text, policyType: text, policyId: text }),
    attachments: listOf(object({ 'contentType!': text, 'content!': anything, name: text })),
  },
  {
    allOf: [
      { anyOf: [{ properties: { eventType: oneOf('activity', 'monitor') } }, { required: ['reason'] }] },
      { anyOf: [{ properties: { eventType: oneOf('activity', 'control') } }, { required: ['measurements'] }] },
    ],
  },
);

// -- ECS

const types = {
  api: oneOf(...words('access admin allowed change creation deletion denied end info start user')),
  configuration: oneOf(...words('access change creation deletion info')),
};
const account = { id: text, name: text, email: text, domain: text, full_name: text, hash: text, roles: listOf(text) };

const ecs = object({
  '@timestamp!': { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z$' },
  'ecs!': object({ 'version!': { const: '8.17.0' } }),
  message: text,
  'event!': object(
    {
      'kind!': oneOf(...words('alert asset enrichment event metric state pipeline_error signal')),
      'category!': listOf(oneOf('api', 'configuration')),
      'type!': listOf(text),
      outcome: oneOf('failure', 'success', 'unknown'),
      ...{ action: text, id: text, provider: text, module: text, dataset: text, reason: text, code: text },
      ...{ sequence: integer, duration: integer },
    },
    {
      oneOf: Object.entries(types).map(([category, type]) => ({
        properties: { category: { const: [category] }, type: { items: type } },
      })),
    },
  ),
  user: object({ ...account, effective: object(account) }),
  process: object({
    pid: integer,
    name: { type: 'string' },
    executable: { type: 'string' },
    thread: object({ id: integer }),
  }),
  host: object({ hostname: text, name: text }),
  rule: object({ id: text, name: text, ruleset: text }),
  error: object({ code: text, message: { type: 'string' } }),
  related: object({ user: listOf(text), hosts: listOf(text) }),
  virtshim: { type: 'object' },
});

// -- OCSF

const captions = (enumeration: Record<number, string>, id: string, caption: string): Schema => ({
  oneOf: Object.entries(enumeration).map(([value, name]) => ({
    properties: { [id]: { const: Number(value) }, [caption]: { const: name } },
  })),
});

const ocsfUser = object({ uid: text, name: text }, { anyOf: [{ required: ['uid'] }, { required: ['name'] }] });
const policy = object({ uid: text, name: text }, { anyOf: [{ required: ['uid'] }, { required: ['name'] }] });
const ocsfProduct = object({ 'name!': text, 'vendor_name!': text, version: text });

const ocsfBase = {
  'category_uid!': { const: 6 },
  category_name: { const: 'Application Activity' },
  'class_uid!': integer,
  class_name: text,
  'activity_id!': integer,
  activity_name: text,
  'type_uid!': integer,
  type_name: text,
  'time!': { type: 'integer', minimum: 1_500_000_000_000 },
  'severity_id!': oneOf(0, 1, 2, 3, 4, 5, 6, 99),
  severity: text,
  status_id: oneOf(0, 1, 2, 99),
  ...{ status: text, status_code: text, status_detail: text, message: text },
  duration: integer,
  'metadata!': object({
    'version!': { const: '1.3.0' },
    'product!': ocsfProduct,
    ...{ uid: text, event_code: text, log_name: text, log_provider: text, original_time: text },
    sequence: integer,
  }),
  unmapped: { type: 'object' },
};
const status = captions({ 0: 'Unknown', 1: 'Success', 2: 'Failure' }, 'status_id', 'status');
const severity = captions({ 1: 'Informational', 2: 'Low', 3: 'Medium' }, 'severity_id', 'severity');

const apiActivity = object(
  {
    ...ocsfBase,
    'class_uid!': { const: 6003 },
    'activity_id!': oneOf(0, 1, 2, 3, 4, 99),
    'actor!': object(
      {
        user: ocsfUser,
        session: object({ uid: text }),
        process: object({
          ...{ pid: integer, tid: integer, name: { type: 'string' }, user: ocsfUser },
          file: object({ 'name!': text, path: text, 'type_id!': oneOf(0, 1, 2, 3, 4, 5, 6, 7, 99), type: text }),
        }),
        authorizations: listOf(object({ decision: text, policy })),
      },
      { anyOf: ['process', 'user', 'session'].map((name) => ({ required: [name] })) },
    ),
    'api!': object({
      'operation!': text,
      service: object({ name: text }),
      request: object({ 'uid!': text }),
      response: object({ code: integer, error: text, error_message: { type: 'string' } }),
    }),
    'src_endpoint!': object({ 'hostname!': text }),
    resources: listOf(
      object(
        { uid: text, name: text, type: text, group: object({ 'name!': text }) },
        { anyOf: [{ required: ['uid'] }, { required: ['name'] }] },
      ),
    ),
  },
  {
    allOf: [
      status,
      severity,
      {
        oneOf: [
          ...Object.entries({ 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete' }).map(([id, name]) => ({
            properties: {
              activity_id: { const: Number(id) },
              activity_name: { const: name },
              type_uid: { const: 600300 + Number(id) },
              type_name: { const: `API Activity: ${name}` },
            },
          })),
          {
            properties: {
              activity_id: { const: 99 },
              type_uid: { const: 600399 },
              type_name: { const: 'API Activity: Other' },
            },
          },
        ],
      },
    ],
  },
);

const lifecycle = object(
  {
    ...ocsfBase,
    'class_uid!': { const: 6002 },
    'activity_id!': { const: 99 },
    'type_uid!': { const: 600299 },
    'app!': ocsfProduct,
  },
  { allOf: [status, severity] },
);

const ajv = new Ajv2020({ strict: false, allErrors: true });

export const eventSchemas: Readonly<Record<'cadf' | 'ecs' | 'ocsf', ValidateFunction>> = {
  cadf: ajv.compile(cadf),
  ecs: ajv.compile(ecs),
  ocsf: ajv.compile({ oneOf: [apiActivity, lifecycle] }),
};
