// The policy language again, slow and obvious: what the compiler and the native evaluator are compared with. It reads
// the document and the API facts and shares no code with them.
import { type ApiFunction, constants, functions, functionsByName } from '../../src/generated/api.js';
import type { NativeRequest, NativeScalar, NativeText } from '../../src/native.js';
import type {
  ComparisonDocument,
  ComparisonsDocument,
  ConnectionsDocument,
  OperandDocument,
  PolicyDocument,
  ResourcesDocument,
  RuleDocument,
  SubjectsDocument,
  WindowDocument,
  XmlTestsDocument,
} from '../../src/policy/document.js';

/** One permission that a call needs, or 'nothing' for a call that needs none. */
type Need = { readonly permission: string } | 'nothing';

type Answer = 'yes' | 'no' | 'unknown';

export interface Reference {
  readonly effect: 'allow' | 'deny';
  readonly rule: string | null;
  readonly permission: string | null;
  readonly wouldDeny: string | null;
  readonly reasonMissing: boolean;
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
  const rules = (policy.rules ?? []).filter((rule) => rule.mode !== 'disabled' && concerns(rule, fn));
  const permitted: Reference = { effect: 'allow', rule: null, permission: null, wouldDeny: null, reasonMissing: false };
  if (request.nested === true && !fn.stateChanging) return permitted;
  const denying = rules.filter(
    (rule) =>
      rule.effect === 'deny' &&
      needs.some((need) => covers(rule, fn, need)) &&
      conditions(rule, fn, request).every((answer) => answer !== 'no'),
  );
  const first = denying.find((rule) => rule.mode !== 'permissive');
  const before = first === undefined ? denying : denying.slice(0, denying.indexOf(first));
  const base = { ...permitted, wouldDeny: before[0]?.id ?? null };
  if (first !== undefined) return { ...base, effect: 'deny', rule: first.id };
  if (request.nested === true || fn.class === 'helper') return base;
  const holding = rules.filter(
    (rule) => rule.effect === 'allow' && conditions(rule, fn, request).every((answer) => answer === 'yes'),
  );
  const withReason = holding.filter((rule) => rule.require === undefined || isGiven(request.reason));
  const matching = withReason.filter((rule) => rateOfAllow(rule, request) === 'yes');
  const used = matching.filter((rule) => needs.some((need) => covers(rule, fn, need)));
  const missing = needs.filter((need) => !used.some((rule) => covers(rule, fn, need)));
  if (missing.length === 0) return { ...base, rule: used[0]?.id ?? null };
  const refused = missing.filter((need) => defaultOf(policy, fn, need) === 'deny');
  if (refused[0] === undefined) return base;
  const reasonMissing = holding.some((rule) => {
    return !withReason.includes(rule) && refused.some((need) => covers(rule, fn, need));
  });
  const permission = refused[0] === 'nothing' ? null : refused[0].permission;
  return { ...base, effect: 'deny', permission, reasonMissing };
}

function isGiven(text: NativeText | undefined): boolean {
  return text !== undefined && text.length > 0;
}

function rateOfAllow(rule: RuleDocument, request: NativeRequest): Answer {
  return rule.rate === undefined ? 'yes' : not(maybe(request.rateReached));
}

/** Rules on XML or on monitor commands are about functions that take such a thing. */
function concerns(rule: RuleDocument, fn: ApiFunction): boolean {
  const xml = fn.args.some((arg) => arg.type === 'String' && /xml/i.test(arg.name));
  const monitor = /^virDomainQemu(Monitor|Agent)Command/.test(fn.name);
  return (rule.xml === undefined || xml) && (rule.monitor === undefined || monitor);
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

/** All but what an allow rule asks last: the reason and the rate. */
function conditions(rule: RuleDocument, fn: ApiFunction, request: NativeRequest): Answer[] {
  const { subjects, connections, resources, monitor, times, rate, xml } = rule;
  const { not: negated = {}, ...positive } = rule.arguments ?? {};
  const kind = (request.resource?.kind ?? fn.object).replace(/^domain-.*/, 'domain');
  return [
    ...subjectAnswers(subjects ?? {}, request),
    ...subjectAnswers(subjects?.not ?? {}, request).map(not),
    ...connectionAnswers(connections ?? {}, request),
    ...connectionAnswers(connections?.not ?? {}, request).map(not),
    ...resourceAnswers(resources ?? {}, kind, request),
    ...resourceAnswers(resources?.not ?? {}, kind, request).map(not),
    ...(monitor?.commands === undefined ? [] : [anyGlob(monitor.commands, request.monitorCommand)]),
    ...(monitor?.not?.commands === undefined ? [] : [not(anyGlob(monitor.not.commands, request.monitorCommand))]),
    ...argumentAnswers(fn, positive as ComparisonsDocument, request, false),
    ...argumentAnswers(fn, negated, request, true),
    ...(times === undefined ? [] : [timeAnswer(times, request.time)]),
    ...(xml === undefined ? [] : xmlAnswers(xml as XmlTestsDocument, request, false)),
    ...(xml?.not === undefined ? [] : xmlAnswers(xml.not, request, true)),
    ...(rate === undefined || rule.effect === 'allow' ? [] : [maybe(request.rateReached)]),
  ];
}

/** In JSON users and uids are one list; under `not` they are two, none of which may match. */
function subjectAnswers(subjects: SubjectsDocument, request: NativeRequest): Answer[] {
  const answers: Answer[] = [];
  if (subjects.uids !== undefined) answers.push(yes(subjects.uids.includes(request.uid ?? 0)));
  if (subjects.groups !== undefined) {
    const gids = subjects.groups.map((name) => Number(name.slice('group'.length)));
    answers.push(yes(gids.some((gid) => request.gids?.includes(gid))));
  }
  if (subjects.auids !== undefined) {
    const auid = request.auid ?? 0xffffffff;
    answers.push(yes(subjects.auids.includes(auid === 0xffffffff ? 'unset' : auid)));
  }
  if (subjects.executables !== undefined) answers.push(anyGlob(subjects.executables, request.executable));
  if (subjects.commands !== undefined) answers.push(anyGlob(subjects.commands, request.command));
  if (subjects.terminals !== undefined) answers.push(anyGlob(subjects.terminals, request.terminal));
  if (subjects.labels !== undefined) answers.push(anyGlob(subjects.labels, request.label));
  if (subjects.actors !== undefined) answers.push(anyGlob(subjects.actors, request.actor));
  return answers;
}

function connectionAnswers(connections: ConnectionsDocument, { connection }: NativeRequest): Answer[] {
  const answers: Answer[] = [];
  if (connections.uris !== undefined) answers.push(anyGlob(connections.uris, connection?.uri));
  if (connections.drivers !== undefined) answers.push(anyText(connections.drivers, connection?.driver));
  if (connections.transports !== undefined) answers.push(anyText(connections.transports, connection?.transport));
  const hosts = connections.hosts?.map((glob) => glob.toLowerCase());
  if (hosts !== undefined) answers.push(anyGlob(hosts, connection?.host));
  if (connections.readOnly !== undefined) {
    const known = connection?.readOnly;
    answers.push(known === undefined ? 'unknown' : yes(known === connections.readOnly));
  }
  return answers;
}

function resourceAnswers(resources: ResourcesDocument, kind: string, request: NativeRequest): Answer[] {
  const answers: Answer[] = [];
  if (resources.kinds !== undefined) answers.push(yes(resources.kinds.includes(kind)));
  if (resources.names !== undefined) {
    const nameless = ['none', 'connect', 'network-port', 'stream', 'adm-connect', 'adm-client'].includes(kind);
    answers.push(nameless ? 'no' : anyGlob(resources.names, request.resource?.name));
  }
  if (resources.uuids !== undefined) {
    const has = ['domain', 'network', 'network-port', 'storage-pool', 'secret', 'nwfilter'].includes(kind);
    const uuids = resources.uuids.map((uuid) => uuid.toLowerCase());
    answers.push(has ? anyText(uuids, request.resource?.uuid) : 'no');
  }
  return answers;
}

function argumentAnswers(
  fn: ApiFunction,
  comparisons: ComparisonsDocument,
  request: NativeRequest,
  negated: boolean,
): Answer[] {
  return Object.entries(comparisons).flatMap(([name, comparison]) => {
    if (name.includes('.')) return parameterAnswers(fn, name, comparison, request, negated);
    // A function without the argument is not concerned.
    const takes = fn.args.some((arg) => arg.name === name && [...numbers, 'String', 'Uuid'].includes(arg.type));
    return [takes ? yes(argument(fn, name, comparison, request) !== negated) : 'no'];
  });
}

/** Each comparison is an answer of its own, over all parameters whose field fits. */
function parameterAnswers(
  fn: ApiFunction,
  key: string,
  comparison: ComparisonDocument,
  request: NativeRequest,
  negated: boolean,
): Answer[] {
  const [name = '', ...rest] = key.split('.');
  const comparisons = Object.entries(comparison).map((entry) => Object.fromEntries([entry]) as ComparisonDocument);
  if (fn.args.find((arg) => arg.name === name)?.type !== 'TypedParams') return ['no'];
  const given = (request.arguments?.[name] ?? []) as readonly (readonly [string, NativeScalar])[];
  const values = given.filter(([field]) => globMatches(rest.join('.'), field)).map(([, value]) => value);
  return comparisons.map((one) => ofAll(values.map((value) => satisfies(value, one) !== negated)));
}

function xmlAnswers(tests: XmlTestsDocument, { xml }: NativeRequest, negated: boolean): Answer[] {
  return Object.entries(tests).flatMap(([name, value]): Answer[] => {
    if (name === 'not') return [];
    if (name === 'xpath') {
      return (value as readonly string[]).map((expression) => {
        if (xml === null) return 'no';
        const answer = maybe(xml?.xpath?.[expression]);
        return negated ? not(answer) : answer;
      });
    }
    const comparisons = Object.entries(value as ComparisonDocument).map(
      (entry) => Object.fromEntries([entry]) as ComparisonDocument,
    );
    const values = xml?.facts?.[name];
    return comparisons.map((one) => {
      if (xml === null) return 'no';
      return values === undefined ? 'unknown' : ofAll(values.map((each) => satisfies(each, one) !== negated));
    });
  });
}

function ofAll(satisfied: readonly boolean[]): Answer {
  if (!satisfied.includes(true)) return 'no';
  return satisfied.includes(false) ? 'unknown' : 'yes';
}

function satisfies(value: NativeScalar, comparison: ComparisonDocument): boolean {
  const operands = Object.values(comparison) as unknown[];
  const onText = operands.some((operand) => typeof operand === 'string' && !constants.has(operand));
  if (typeof value === 'string') return onText && compareText(value, comparison);
  if (onText) return false;
  if (typeof value === 'number' && !Number.isInteger(value)) return compareReal(value, comparison);
  return compareNumber(BigInt(value), comparison);
}

function compareReal(value: number, c: ComparisonDocument): boolean {
  const [[operator, operand] = ['', 0]] = Object.entries(c) as [string, OperandDocument][];
  if (operator === 'equal') return false;
  if (operator === 'notEqual') return true;
  if (operator === 'less' || operator === 'lessOrEqual') return value < Number(toNumber(operand));
  return operator.startsWith('greater') && value > Number(toNumber(operand));
}

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function timeAnswer(windows: readonly WindowDocument[], time: number | undefined): Answer {
  return time === undefined ? 'unknown' : yes(windows.some((window) => isWithin(window, time)));
}

/** By the platform's own calendar, which knows nothing of tables. */
function isWithin({ zone, from = '00:00', to = '24:00', days: wanted = days }: WindowDocument, time: number): boolean {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  const parts = Object.fromEntries(format.formatToParts(time * 1000).map(({ type, value }) => [type, value]));
  const clock = `${parts.hour}:${parts.minute}`;
  const today = days.map(String).indexOf((parts.weekday ?? '').toLowerCase());
  const began = (day: number) => wanted.includes(days[(day + 7) % 7] ?? 'mon');
  if (from < to) return began(today) && clock >= from && clock < to;
  return (began(today) && clock >= from) || (began(today - 1) && clock < to);
}

function maybe(value: boolean | undefined): Answer {
  return value === undefined ? 'unknown' : yes(value);
}

function not(answer: Answer): Answer {
  if (answer === 'unknown') return answer;
  return answer === 'yes' ? 'no' : 'yes';
}

function yes(value: boolean): Answer {
  return value ? 'yes' : 'no';
}

function anyGlob(globs: readonly string[], text: NativeText | undefined): Answer {
  return text === undefined ? 'unknown' : yes(globs.some((glob) => globMatches(glob, String(text))));
}

function anyText(texts: readonly string[], text: NativeText | undefined): Answer {
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
    (c.equal === undefined || value === toNumber(c.equal)) &&
    (c.notEqual === undefined || value !== toNumber(c.notEqual)) &&
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

function toNumber(operand: OperandDocument | boolean): bigint {
  return BigInt(typeof operand === 'string' ? (constants.get(operand) ?? Number.NaN) : operand);
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
    ...['virDomainSetTime', 'virDomainLxcEnterCGroup', 'virNetworkPortDelete', 'virDomainDefineXML'],
    ...['virDomainSetSchedulerParameters', 'virDomainSetBlockIoTune', 'virDomainQemuAgentCommand'],
    ...['virDomainAttachDeviceFlags', 'virStoragePoolDefineXML'],
  ].includes(fn.name),
);
