/** What can hardly be meant: a policy that loads, but does something else than it says. */
import { type ApiFunction, functions } from '../generated/api.js';
import { type LookUp, resolveAccounts } from './accounts.js';
import type { Coverage } from './action.js';
import type { ArgumentCondition } from './argument.js';
import { type Diagnostic, sortDiagnostics } from './diagnostic.js';
import { loadPolicyFile, type Policy } from './load.js';
import { complainAbout, isUnconditional, type Rule } from './rule.js';
import type { Complaint, Path } from './source.js';
import { twinsOf } from './twins.js';

/** Everything that is wrong or doubtful in a policy file, in its order. Throws VIRTSHIM_FILE where it cannot be read. */
export async function checkPolicyFile(file: string, lookUp?: LookUp): Promise<Diagnostic[]> {
  const { policy, diagnostics } = loadPolicyFile(file);
  if (policy === undefined) return [...diagnostics];
  const accounts = await resolveAccounts(policy, lookUp);
  return sortDiagnostics([...diagnostics, ...accounts.diagnostics, ...checkPolicy(policy)]);
}

/** The warnings about a policy without errors. */
export function checkPolicy(policy: Policy): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const rule of policy.rules) {
    const warn: Warn = (steps, complaint) =>
      found.push(complainAbout(rule, steps, { ...complaint, severity: 'warning' }));
    checkActions(rule, warn);
    checkContradictions(rule, warn);
    checkShadows(policy, rule, warn);
    checkMissingArguments(rule, warn);
    checkTwins(policy, rule, warn);
    checkUnknownResources(rule, warn);
  }
  return sortDiagnostics(found);
}

type Warn = (steps: Path, complaint: Complaint) => void;

function checkActions(rule: Rule, warn: Warn): void {
  for (const [index, action] of rule.actions.entries()) {
    if (action.coverage.size > 0) continue;
    const message = `\`${action.text}\` matches nothing that is judged`;
    warn(['actions', index], { code: 'glob-matches-nothing', message });
  }
}

const namelessKinds: ReadonlySet<string> = new Set(['connect', 'network-port', 'stream', 'adm-connect', 'adm-client']);
const uuidKinds: ReadonlySet<string> = new Set([
  'domain',
  'network',
  'network-port',
  'storage-pool',
  'secret',
  'nwfilter',
]);

function checkContradictions(rule: Rule, warn: Warn): void {
  const never = (steps: Path, why: string) =>
    warn(steps, { code: 'never-matches', message: `rule \`${rule.id}\` can never match: ${why}` });
  if (rule.kinds.length > 0) {
    const kinds = rule.kinds.join(', ');
    const none = (known: (kind: string) => boolean) => !rule.kinds.some(known);
    if (rule.names.length > 0 && none((kind) => !namelessKinds.has(kind))) {
      never(['resources', 'names'], `resources of kind ${kinds} have no name`);
    }
    if (rule.uuids.length > 0 && none((kind) => uuidKinds.has(kind))) {
      never(['resources', 'uuids'], `resources of kind ${kinds} have no uuid`);
    }
    if (rule.coverage.size > 0 && !coveredFunctions(rule.coverage).some((fn) => rule.kinds.includes(judgedKind(fn)))) {
      never(['resources', 'kinds'], `none of its functions acts on ${kinds}`);
    }
  }
  for (const [name, interval] of intervals(rule)) {
    if (interval.low > interval.high) never(['arguments', name], 'its comparisons exclude each other');
  }
}

/** The values of numeric arguments that the ordering comparisons leave. */
function intervals(rule: Rule): Map<string, { low: bigint; high: bigint }> {
  const found = new Map<string, { low: bigint; high: bigint }>();
  for (const { name, operator, operand } of rule.arguments) {
    if (typeof operand !== 'bigint') continue;
    const interval = found.get(name) ?? { low: -(2n ** 63n), high: 2n ** 64n - 1n };
    const raise = (low: bigint) => {
      if (low > interval.low) interval.low = low;
    };
    const lower = (high: bigint) => {
      if (high < interval.high) interval.high = high;
    };
    if (operator === 'greater') raise(operand + 1n);
    if (operator === 'greaterOrEqual' || operator === 'equal') raise(operand);
    if (operator === 'less') lower(operand - 1n);
    if (operator === 'lessOrEqual' || operator === 'equal') lower(operand);
    found.set(name, interval);
  }
  return found;
}

// A snapshot is judged as its domain.
function judgedKind(fn: ApiFunction): string {
  return fn.object === 'domain-snapshot' || fn.object === 'domain-checkpoint' ? 'domain' : fn.object;
}

function checkShadows(policy: Policy, rule: Rule, warn: Warn): void {
  if (rule.coverage.size === 0) return;
  const stronger = policy.rules.find(
    (other) => other !== rule && isUnconditional(other) && shadows(other, rule) && coversAll(other, rule),
  );
  if (stronger === undefined) return;
  const message = `rule \`${rule.id}\` never decides: rule \`${stronger.id}\` denies all that it covers`;
  warn(['id'], { code: 'shadowed', message });
}

// A later deny rule does not take the decision from an earlier one.
function shadows(other: Rule, rule: Rule): boolean {
  return other.effect === 'deny' && other.mode === 'enforcing' && (rule.effect === 'allow' || other.index < rule.index);
}

function coversAll(other: Rule, rule: Rule): boolean {
  return [...rule.coverage].every(([id, checks]) => ((other.coverage.get(id) ?? 0) & checks) === checks);
}

// A deny rule on flags says nothing about the function without flags that does the same.
function checkMissingArguments(rule: Rule, warn: Warn): void {
  if (rule.effect !== 'deny' || rule.arguments.every(isAboutBitsThatAreSet)) return;
  for (const fn of coveredFunctions(rule.coverage)) {
    for (const twin of twinsOf.get(fn.name) ?? []) {
      if (rule.coverage.has(twin.id) || !rule.actionCoverage.has(twin.id)) continue;
      const message = `rule \`${rule.id}\` denies \`${fn.name}\`, but not \`${twin.name}\`, which lacks the arguments`;
      warn(['arguments'], { code: 'argument-missing', message, atKey: true });
    }
  }
}

// Without the argument there is no such bit either: nothing is missed.
function isAboutBitsThatAreSet({ operator }: ArgumentCondition): boolean {
  return operator === 'hasAny' || operator === 'hasAll';
}

function checkTwins(policy: Policy, rule: Rule, warn: Warn): void {
  const allied = policy.rules.filter((other) => other.effect === rule.effect);
  for (const [index, action] of rule.actions.entries()) {
    if (action.kind !== 'function' && action.kind !== 'function-glob') continue;
    const forgotten = new Set(
      coveredFunctions(action.coverage)
        .flatMap((fn) => twinsOf.get(fn.name) ?? [])
        .filter((twin) => !allied.some((other) => other.actionCoverage.has(twin.id)))
        .map((twin) => `\`${twin.name}\``),
    );
    if (forgotten.size === 0) continue;
    const message = `\`${action.text}\` leaves out ${[...forgotten].join(', ')}, which can do the same`;
    warn(['actions', index], { code: 'twins-differ', message });
  }
}

// What is not known matches deny rules: one on guests' names refuses to list guests at all.
function checkUnknownResources(rule: Rule, warn: Warn): void {
  if (rule.effect !== 'deny' || (rule.names.length === 0 && rule.uuids.length === 0)) return;
  const always = coveredFunctions(rule.coverage).filter((fn) => concernsKind(rule, fn) && !tellsResource(fn));
  if (always.length === 0) return;
  const shown = always.slice(0, 3).map((fn) => `\`${fn.name}\``);
  const more = always.length > shown.length ? ` and ${always.length - shown.length} more` : '';
  const message = `rule \`${rule.id}\` refuses ${shown.join(', ')}${more} whatever the resource, which is not known there`;
  warn(['resources'], { code: 'unknown-resource', message, atKey: true });
}

function concernsKind(rule: Rule, fn: ApiFunction): boolean {
  const kind = judgedKind(fn);
  if (rule.kinds.length > 0 && !rule.kinds.includes(kind)) return false;
  return (
    (rule.names.length === 0 || (kind !== 'none' && !namelessKinds.has(kind))) &&
    (rule.uuids.length === 0 || uuidKinds.has(kind))
  );
}

// By an argument, by the object that comes back, or by the XML that defines it.
function tellsResource(fn: ApiFunction): boolean {
  return fn.resourceArg >= 0 || fn.returnsObject !== 'none';
}

function coveredFunctions(coverage: Coverage): ApiFunction[] {
  return [...coverage.keys()].flatMap((id) => functions[id] ?? []);
}
