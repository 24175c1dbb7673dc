// The policy language again, slow and obvious: what the compiler and the native evaluator are compared with. It reads
// the document and the API facts and shares no code with them.
import { type ApiFunction, constants, functions, functionsByName } from '../../src/generated/api.js';
import type { NativeRequest } from '../../src/native.js';
import type { ComparisonDocument, OperandDocument, PolicyDocument, RuleDocument } from '../../src/policy/document.js';

/** One permission that a call needs, or 'nothing' for a call that needs none. */
type Need = { readonly permission: string } | 'nothing';

type Answer = 'yes' | 'no' | 'unknown';

export interface Reference {
  readonly effect: 'allow' | 'deny';
  readonly rule: string | null;
  readonly permission: string | null;
}

const sets: Record<string, string> = {
  'local-query': 'read',
  query: 'read',
  lookup: 'read',
  connection: 'connect',
  'event-reg': 'events',
  control: 'control',
  config: 'config',
  resource: 'resource',
  'guest-access': 'guest-access',
  'data-access': 'data-access',
  secret: 'secret',
  'stream-transfer': 'stream',
  admin: 'admin',
};

export function judge(policy: PolicyDocument, request: NativeRequest): Reference {
  const fn = functionsByName.get(request.function);
  if (fn === undefined) throw new Error(request.function);
  const needs = needsOf(fn, request);
  const rules = policy.rules ?? [];
  const permitted: Reference = { effect: 'allow', rule: null, permission: null };
  if (request.nested === true && !fn.stateChanging) return permitted;
  for (const rule of rules) {
    if (rule.effect !== 'deny' || !needs.some((need) => covers(rule, fn, need))) continue;
    if (conditions(rule, fn, request).every((answer) => answer !== 'no')) {
      return { effect: 'deny', rule: rule.id, permission: null };
    }
  }
  if (request.nested === true || fn.class === 'helper') return permitted;
  const matching = rules.filter(
    (rule) =>
      rule.effect === 'allow' &&
      needs.some((need) => covers(rule, fn, need)) &&
      conditions(rule, fn, request).every((answer) => answer === 'yes'),
  );
  const missing = needs.filter((need) => !matching.some((rule) => covers(rule, fn, need)));
  if (missing.length === 0) return { effect: 'allow', rule: matching[0]?.id ?? null, permission: null };
  const refused = missing.find((need) => defaultOf(policy, fn, need) === 'deny');
  if (refused === undefined) return permitted;
  return { effect: 'deny', rule: null, permission: refused === 'nothing' ? null : refused.permission };
}

function needsOf(fn: ApiFunction, request: NativeRequest): Need[] {
  const active = fn.checks.filter((check) => {
    if (check.condition === 'Always') return true;
    const value = Number(request.arguments?.[fn.args[check.arg]?.name ?? ''] ?? 0);
    if (check.condition === 'AllSet') return (value & check.mask) === check.mask;
    if (check.condition === 'NoneSet') return (value & check.mask) === 0;
    return value === check.mask;
  });
  return active.length === 0 ? ['nothing'] : active.map(({ permission }) => ({ permission }));
}

function setOfNeed(fn: ApiFunction, need: Need): string {
  const set = sets[fn.class] ?? '';
  return set === 'read' && need !== 'nothing' && need.permission.endsWith('.read-secure') ? 'secret' : set;
}

function defaultOf(policy: PolicyDocument, fn: ApiFunction, need: Need): string {
  const defaults: Record<string, string> = policy.defaults ?? {};
  return defaults[setOfNeed(fn, need)] ?? defaults['*'] ?? 'deny';
}

function covers(rule: RuleDocument, fn: ApiFunction, need: Need): boolean {
  return rule.actions.some((action) => {
    if (action === fn.name) return true;
    if (fn.class === 'helper') return false;
    if (action === '*') return true;
    if (action.startsWith('vir')) return globMatches(action, fn.name);
    if (action.includes('.')) return need !== 'nothing' && globMatches(action, need.permission);
    return setOfNeed(fn, need) === action;
  });
}

function conditions(rule: RuleDocument, fn: ApiFunction, request: NativeRequest): Answer[] {
  const { subjects, connections, resources } = rule;
  const { connection } = request;
  const answers: Answer[] = [];
  if (subjects?.uids !== undefined) answers.push(yes(subjects.uids.includes(request.uid ?? 0)));
  if (subjects?.groups !== undefined) {
    const gids = subjects.groups.map((name) => Number(name.slice('group'.length)));
    answers.push(yes(gids.some((gid) => request.gids?.includes(gid))));
  }
  if (connections?.uris !== undefined) answers.push(anyGlob(connections.uris, connection?.uri));
  if (connections?.drivers !== undefined) answers.push(anyText(connections.drivers, connection?.driver));
  if (connections?.readOnly !== undefined) {
    const known = connection?.readOnly;
    answers.push(known === undefined ? 'unknown' : yes(known === connections.readOnly));
  }
  const kind = (request.resource?.kind ?? fn.object).replace(/^domain-.*/, 'domain');
  if (resources?.kinds !== undefined) answers.push(yes(resources.kinds.includes(kind)));
  if (resources?.names !== undefined) {
    const nameless = ['none', 'connect', 'network-port', 'stream', 'adm-connect', 'adm-client'].includes(kind);
    answers.push(nameless ? 'no' : anyGlob(resources.names, request.resource?.name));
  }
  if (resources?.uuids !== undefined) {
    const has = ['domain', 'network', 'network-port', 'storage-pool', 'secret', 'nwfilter'].includes(kind);
    const uuids = resources.uuids.map((uuid) => uuid.toLowerCase());
    answers.push(has ? anyText(uuids, request.resource?.uuid) : 'no');
  }
  for (const [name, comparison] of Object.entries(rule.arguments ?? {})) {
    answers.push(yes(argument(fn, name, comparison, request)));
  }
  return answers;
}

function yes(value: boolean): Answer {
  return value ? 'yes' : 'no';
}

function anyGlob(globs: readonly string[], text: string | Uint8Array | undefined): Answer {
  return text === undefined ? 'unknown' : yes(globs.some((glob) => globMatches(glob, String(text))));
}

function anyText(texts: readonly string[], text: string | Uint8Array | undefined): Answer {
  return text === undefined ? 'unknown' : yes(texts.includes(String(text)));
}

/** By the definition: try every split. Exponential, for short texts. */
export function globMatches(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (glob[0] === '*') return globMatches(glob.slice(1), text) || (text !== '' && globMatches(glob, text.slice(1)));
  const escaped = glob[0] === '\\' && glob.length > 1;
  const rest = glob.slice(escaped ? 2 : 1);
  const wanted = escaped ? glob[1] : glob[0];
  return text !== '' && (text[0] === wanted || (glob[0] === '?' && !escaped)) && globMatches(rest, text.slice(1));
}

const numbers = ['Int', 'UInt', 'Long', 'ULong', 'LongLong', 'ULongLong', 'Size'];

function argument(fn: ApiFunction, name: string, comparison: ComparisonDocument, request: NativeRequest): boolean {
  const arg = fn.args.find((candidate) => candidate.name === name);
  const given = request.arguments?.[name];
  if (arg !== undefined && numbers.includes(arg.type)) return compareNumber(BigInt((given ?? 0) as bigint), comparison);
  if (arg?.type === 'String' || arg?.type === 'Uuid')
    return compareText(given as string | null | undefined, comparison);
  return false;
}

function compareNumber(value: bigint, c: ComparisonDocument): boolean {
  const mask = (bits: readonly OperandDocument[]) => bits.map(toNumber).reduce((all, bit) => all | bit, 0n);
  const raw = BigInt.asUintN(64, value);
  return (
    c.glob === undefined &&
    (c.equal === undefined || value === toNumber(c.equal as OperandDocument)) &&
    (c.notEqual === undefined || value !== toNumber(c.notEqual as OperandDocument)) &&
    (c.less === undefined || value < toNumber(c.less)) &&
    (c.lessOrEqual === undefined || value <= toNumber(c.lessOrEqual)) &&
    (c.greater === undefined || value > toNumber(c.greater)) &&
    (c.greaterOrEqual === undefined || value >= toNumber(c.greaterOrEqual)) &&
    (c.hasAny === undefined || (raw & mask(c.hasAny)) !== 0n) &&
    (c.hasAll === undefined || (raw & mask(c.hasAll)) === mask(c.hasAll)) &&
    (c.hasNone === undefined || (raw & mask(c.hasNone)) === 0n)
  );
}

function compareText(value: string | null | undefined, c: ComparisonDocument): boolean {
  const present = value !== null && value !== undefined;
  const onText = [c.equal, c.notEqual, c.glob].some((operand) => operand !== undefined);
  return (
    onText &&
    (c.equal === undefined || (present && value === c.equal)) &&
    (c.notEqual === undefined || !(present && value === c.notEqual)) &&
    (c.glob === undefined || (present && globMatches(c.glob, value)))
  );
}

function toNumber(operand: OperandDocument): bigint {
  return BigInt(typeof operand === 'number' ? operand : (constants.get(operand) ?? Number.NaN));
}

/** Functions to draw from: of every class, with flags, with several permissions, helpers too. */
export const sampleFunctions: readonly ApiFunction[] = functions.filter((fn) =>
  [
    ...['virDomainDestroy', 'virDomainDestroyFlags', 'virDomainSuspend', 'virDomainCreateXML', 'virDomainGetXMLDesc'],
    ...['virDomainSetMemoryFlags', 'virDomainSetMemory', 'virDomainShutdownFlags', 'virDomainLookupByName'],
    ...['virDomainLookupByUUID', 'virConnectOpen', 'virConnectListAllDomains', 'virDomainGetName', 'virDomainFree'],
    ...['virNetworkUpdate', 'virSecretGetValue', 'virStreamSend', 'virDomainRevertToSnapshot', 'virDomainPinVcpu'],
    ...['virStorageVolDelete', 'virAdmConnectListServers', 'virDomainMigrate', 'virDomainInterfaceAddresses'],
    ...['virConnectDomainEventRegisterAny', 'virDomainQemuMonitorCommand', 'virNodeDeviceDestroy', 'virTypedParamsGet'],
    ...['virDomainSetTime', 'virDomainLxcEnterCGroup', 'virNetworkPortDelete'],
  ].includes(fn.name),
);
