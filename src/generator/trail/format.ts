// What a trail's records look like: the one description of which trail.xsd (the lines of trail.xml) and
// trail.schema.json (the lines of `trail show --format json`) are made.

/** A type of values, as XML Schema and as JSON Schema have it. */
export interface ValueType {
  readonly doc?: string;
  /** A built-in type of XML Schema, or the base and facets of a type of this name. */
  readonly xsd:
    | string
    | { readonly base: string; readonly facets: readonly (readonly [facet: string, value: string])[] };
  readonly json: Readonly<Record<string, unknown>>;
}

const pattern = (text: string): ValueType => ({
  xsd: { base: 'xs:string', facets: [['pattern', text]] },
  json: { type: 'string', pattern: `^${text}$` },
});

const oneOf = (...values: string[]): ValueType => ({
  xsd: { base: 'xs:string', facets: values.map((value) => ['enumeration', value] as const) },
  json: { enum: values },
});

export const valueTypes = {
  value: {
    doc: 'Escaped text: a backslash stands only before another one or before x and two upper-case hex digits.',
    xsd: { base: 'xs:string', facets: [['pattern', '([^\\\\&#9;&#10;&#13;]|\\\\\\\\|\\\\x[0-9A-F]{2})*']] },
    json: { type: 'string' },
  },
  nonEmpty: { xsd: { base: 'value', facets: [['minLength', '1']] }, json: { type: 'string', minLength: 1 } },
  function: pattern('vir[A-Za-z0-9]+'),
  kind: pattern('[a-z][a-z-]*'),
  moment: {
    ...pattern('[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{9}Z'),
    doc: 'UTC, with nanoseconds.',
  },
  hex16: pattern('[0-9a-f]{16}'),
  hex64: pattern('[0-9a-f]{64}'),
  effect: oneOf('permitted', 'denied', 'would-deny'),
  readonly: { ...oneOf('0', '1', 'unknown'), json: { type: 'boolean' } },
  state: { ...oneOf('0', '1'), json: { type: 'boolean' } },
  yes: { ...oneOf('1'), json: { type: 'boolean' } },
  typedParameter: oneOf('unknown', 'int', 'uint', 'llong', 'ullong', 'double', 'boolean', 'string'),
  integerOrEmpty: pattern('(-?[0-9]+)?'),
  sequence: { xsd: 'xs:positiveInteger', json: { type: 'integer', minimum: 1 } },
  uint: { xsd: 'xs:unsignedInt', json: { type: 'integer', minimum: 0, maximum: 4294967295 } },
  ulong: { xsd: 'xs:unsignedLong', json: { type: 'integer', minimum: 0 } },
  int: { xsd: 'xs:int', json: { type: 'integer', minimum: -2147483648, maximum: 2147483647 } },
} satisfies Record<string, ValueType>;

export type ValueTypeName = keyof typeof valueTypes;

export interface AttributeFormat {
  readonly name: string;
  readonly type: ValueTypeName;
  readonly optional?: true;
  readonly doc: string;
  /** The property's name in JSON, where it is another one. */
  readonly json?: string;
  /** The property is always there (a flag), or may be missing where the attribute is there (a value that says nothing). */
  readonly jsonRequired?: boolean;
}

export interface TextFormat {
  readonly type: ValueTypeName;
  /** The property's name in JSON. */
  readonly json: string;
  /** An empty text is no property. */
  readonly jsonOptional?: true;
}

export interface ElementFormat {
  readonly name: string;
  readonly optional?: true;
  readonly doc: string;
  readonly attributes: readonly AttributeFormat[];
  readonly text?: TextFormat;
  /** The property's name in JSON, where it is another one. */
  readonly json?: string;
}

const attribute = (name: string, type: ValueTypeName, doc: string): AttributeFormat => ({ name, type, doc });
const optional = (name: string, type: ValueTypeName, doc: string): AttributeFormat => ({
  ...attribute(name, type, doc),
  optional: true,
});

/** Of all records, in their order; `chain` is always the last one. */
export const identity: readonly AttributeFormat[] = [
  attribute('rid', 'hex16', 'record id: the same for call and response, in the audit text and in a refusal'),
  attribute('seq', 'sequence', '1, 2, 3, ... over all files of the trail'),
  attribute('time', 'moment', 'when the record was made'),
  attribute('pid', 'uint', 'process, as it sees itself'),
  attribute('tid', 'uint', 'thread, as it sees itself'),
  attribute('uid', 'uint', 'effective user'),
  attribute('auid', 'uint', 'login user, 4294967295 where unset'),
  attribute('ses', 'uint', 'audit session, 4294967295 where unset'),
  optional('tty', 'nonEmpty', 'terminal'),
  attribute('comm', 'value', 'name of the program'),
  attribute('exe', 'value', 'path of its file'),
  optional('subj', 'nonEmpty', 'security label'),
  optional('policy', 'hex16', "first digits of the policy's digest"),
  { ...optional('nested', 'yes', 'libvirt made this call to itself'), jsonRequired: true },
];

export const chain: AttributeFormat = attribute('chain', 'hex64', 'SHA-256 over the record and the one before');

/** Of notices, besides the identity; in JSON both are of an object `notice`. */
export const notice: ElementFormat = {
  name: 'notice',
  doc: 'The shim about itself: a policy that was loaded or is broken, functions that it does not know.',
  attributes: [attribute('kind', 'nonEmpty', 'what it is about')],
  text: { type: 'value', json: 'text' },
};

/** The children of calls and responses before the arguments. */
export const what: readonly ElementFormat[] = [
  { name: 'event', doc: 'the libvirt function', attributes: [], text: { type: 'function', json: 'event' } },
  {
    name: 'decision',
    doc: 'what the policy said, and the reason',
    attributes: [attribute('effect', 'effect', 'what it said'), optional('rule', 'nonEmpty', 'the rule that decided')],
    text: { type: 'value', json: 'reason' },
  },
  {
    name: 'asserted',
    optional: true,
    doc: 'for whom the program says that it calls, and why; nobody verified it',
    attributes: [optional('actor', 'nonEmpty', 'the user'), optional('via', 'nonEmpty', 'the service that says so')],
    text: { type: 'value', json: 'reason', jsonOptional: true },
  },
  {
    name: 'connection',
    optional: true,
    doc: 'where the call went',
    attributes: [
      optional('driver', 'nonEmpty', "libvirt's driver"),
      optional('uri', 'nonEmpty', 'without passwords'),
      { ...attribute('readonly', 'readonly', 'unknown: no property in JSON'), json: 'readOnly', jsonRequired: false },
    ],
  },
  {
    name: 'resource',
    optional: true,
    doc: 'what the call acts on',
    attributes: [
      attribute('kind', 'kind', 'kind of object'),
      optional('name', 'nonEmpty', 'its name'),
      optional('uuid', 'nonEmpty', 'its UUID'),
      optional('parent', 'nonEmpty', 'what it belongs to: the guest of a snapshot, the pool of a volume'),
    ],
  },
];

/** The arguments: in XML an element of the argument's name, in JSON a list of objects with `name`. */
export const argumentAttributes: readonly AttributeFormat[] = [
  optional('null', 'yes', 'it was NULL'),
  optional('out', 'yes', 'memory that the function fills'),
  optional('opaque', 'yes', 'a callback or its data'),
  optional('redacted', 'yes', 'a secret: the text is a digest'),
  optional('kind', 'kind', 'an object other than the resource'),
  optional('bytes', 'ulong', 'size of a buffer, or of a text that was cut'),
  optional('sha256', 'hex64', 'of the whole text that was cut'),
  optional('count', 'ulong', 'items of a list that was cut'),
];

/** What an item of a list and a field of typed parameters say about themselves. */
export const items: readonly ElementFormat[] = [
  { name: 'item', doc: 'of a list', attributes: [optional('null', 'yes', 'it was NULL')] },
  {
    name: 'field',
    doc: 'of typed parameters',
    attributes: [
      attribute('name', 'value', "libvirt's name of it"),
      attribute('type', 'typedParameter', 'its type'),
      optional('null', 'yes', 'it was NULL'),
    ],
  },
];

export const resultAttributes: readonly AttributeFormat[] = [
  optional('null', 'yes', 'it was NULL'),
  optional('opaque', 'yes', 'a pointer that is no object'),
  optional('kind', 'kind', 'kind of the object'),
  optional('bytes', 'ulong', 'length of the text'),
];

/** The children of responses behind the arguments. `result`, which stands among them, is described by its attributes. */
export const state: ElementFormat = {
  name: 'state',
  doc: '1 where libvirt returned success, 0 for every failure and refusal',
  attributes: [],
  text: { type: 'state', json: 'success' },
};

export const outcome: readonly ElementFormat[] = [
  {
    name: 'error',
    optional: true,
    doc: "libvirt's error",
    attributes: [attribute('code', 'int', 'virErrorNumber'), attribute('domain', 'int', 'virErrorDomain')],
    text: { type: 'value', json: 'message' },
  },
  {
    name: 'duration',
    optional: true,
    doc: 'nanoseconds inside libvirt, of forwarded calls',
    attributes: [],
    text: { type: 'ulong', json: 'durationNs' },
  },
];
