/** What can hardly be meant: a policy that loads, but does something else than it says. */
import { documentedFields } from '../ffi/typed_fields.js';
import { type ApiFunction, functions } from '../generated/api.js';
import { type LookUp, resolveAccounts } from './accounts.js';
import { matchesNothing, setsOfFunction } from './action.js';
import type { ArgumentCondition } from './argument.js';
import { type Diagnostic, sortDiagnostics } from './diagnostic.js';
import { drivers } from './drivers.js';
import { globToRegExp } from './glob.js';
import { allConditions } from './implication.js';
import { loadPolicyOrRules, type Policy } from './load.js';
import { concernsKind, contradictionsOf, coveredFunctions } from './never_matches.js';
import { sightOf } from './resource_sight.js';
import { complainAbout, type Rule } from './rule.js';
import { Shadows } from './shadows.js';
import type { Complaint, Path } from './source.js';
import { suggest } from './suggest.js';
import { twinsOf } from './twins.js';

/** Everything that is wrong or doubtful in a policy, or in a file of rules that policies include, in its order. Throws VIRTSHIM_FILE where it cannot be read. */
export async function checkPolicyFile(file: string, lookUp?: LookUp): Promise<Diagnostic[]> {
  const { policy, diagnostics } = loadPolicyOrRules(file);
  if (policy === undefined) return [...diagnostics];
  const accounts = await resolveAccounts(policy, lookUp);
  return sortDiagnostics([...diagnostics, ...accounts.diagnostics, ...checkPolicy(policy)]);
}

/** The warnings about a policy without errors. */
export function checkPolicy(policy: Policy): Diagnostic[] {
  const found: Diagnostic[] = [];
  const shadows = new Shadows(policy.rules);
  for (const rule of policy.rules) {
    const warn: Warn = (steps, complaint) =>
      found.push(complainAbout(rule, steps, { ...complaint, severity: 'warning' }));
    checkActions(rule, warn);
    checkUris(rule, warn);
    checkFields(rule, warn);
    checkContradictions(rule, warn);
    checkShadows(shadows, rule, warn);
    checkEffect(policy, rule, warn);
    checkMissingArguments(rule, warn);
    checkTwins(policy, rule, warn);
    checkUnknownResources(rule, warn);
  }
  return sortDiagnostics(found);
}

type Warn = (steps: Path, complaint: Complaint) => void;

function checkActions(rule: Rule, warn: Warn): void {
  for (const [index, action] of rule.actions.entries()) {
    if (action.coverage.size === 0) warn(['actions', index], matchesNothing(action.text));
  }
}

// Rules see the URI that libvirt made of what was asked for: aliases resolved, scheme and host in lower case.
function checkUris(rule: Rule, warn: Warn): void {
  for (const condition of allConditions(rule)) {
    if (condition.kind !== 'uris') continue;
    for (const [index, { text }] of condition.globs.entries()) {
      const doubt = doubtAboutUri(text);
      if (doubt !== undefined) warn([...condition.steps, index], { code: 'glob-matches-nothing', ...doubt });
    }
  }
}

function doubtAboutUri(glob: string): Pick<Complaint, 'message' | 'suggestion'> | undefined {
  if (!/[:*?\\]/.test(glob)) return { message: `\`${glob}\` is no URI: rules see what an alias stands for` };
  const scheme = /^([A-Za-z0-9]+)(\+[A-Za-z0-9]+)?(?=:)/.exec(glob);
  const driver = scheme?.[1];
  if (scheme === null || driver === undefined) return undefined;
  const [written, rest] = [scheme[0], glob.slice(scheme[0].length)];
  const lower = written.toLowerCase();
  if (written !== lower) return { message: 'rules see schemes in lower case', suggestion: `${lower}${rest}` };
  if (drivers.has(driver)) return undefined;
  const nearest = suggest(driver, drivers);
  const suggestion = nearest === undefined ? undefined : `${nearest}${glob.slice(driver.length)}`;
  return { message: `unknown driver \`${driver}\``, suggestion };
}

// A field without wildcards that nobody documents is an error; a newer libvirt may have fields that a glob is meant for.
function checkFields(rule: Rule, warn: Warn): void {
  for (const condition of rule.conditions) {
    if (condition.kind !== 'parameter') continue;
    const { text } = condition.test.field;
    const pattern = globToRegExp(text);
    if ([...documentedFields()].some((field) => pattern.test(field))) continue;
    const message = `\`${text}\` matches no field of typed parameters that is known`;
    warn(condition.steps, { code: 'glob-matches-nothing', message, atKey: true });
  }
}

function checkContradictions(rule: Rule, warn: Warn): void {
  for (const { steps, why } of contradictionsOf(rule)) {
    warn(steps, { code: 'never-matches', message: `rule \`${rule.id}\` can never match: ${why}` });
  }
}

function checkShadows(shadows: Shadows, rule: Rule, warn: Warn): void {
  const why = shadows.over(rule);
  if (why !== undefined) warn(['id'], { code: 'shadowed', message: `rule \`${rule.id}\` ${why}` });
}

// An obligation, too, is none where the default allows.
function checkEffect(policy: Policy, rule: Rule, warn: Warn): void {
  if (rule.effect === 'deny' || rule.coverage.size === 0) return;
  const needed = [...rule.coverage].some(([id, checks]) => (checks & deniedByDefault(policy, id)) !== 0);
  if (needed) return;
  const message = `rule \`${rule.id}\` changes nothing: the defaults allow all that it covers`;
  warn(['id'], { code: 'no-effect', message });
}

function deniedByDefault(policy: Policy, id: number): number {
  const fn = functions[id];
  const sets = fn === undefined ? [] : setsOfFunction(fn);
  return sets.reduce((mask, [set, checks]) => (policy.defaults[set] === 'deny' ? mask | checks : mask), 0);
}

// A deny rule on flags says nothing about the function without flags that does the same.
function checkMissingArguments(rule: Rule, warn: Warn): void {
  const negated = rule.conditions.some(({ kind }) => kind === 'argument');
  if (rule.effect !== 'deny' || (!negated && rule.arguments.every(isAboutBitsThatAreSet))) return;
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
  for (const [index, action] of rule.actions.entries()) {
    if (action.kind !== 'function' && action.kind !== 'function-glob') continue;
    const forgotten = new Set(
      coveredFunctions(action.coverage)
        .flatMap((fn) => twinsOf.get(fn.name) ?? [])
        .filter((twin) => !policy.rules.some((other) => isAllied(other, rule) && other.actionCoverage.has(twin.id)))
        .map((twin) => `\`${twin.name}\``),
    );
    if (forgotten.size === 0) continue;
    const message = `\`${action.text}\` leaves out ${[...forgotten].join(', ')}, which can do the same`;
    warn(['actions', index], { code: 'twins-differ', message });
  }
}

function isAllied(other: Rule, { effect }: Rule): boolean {
  return other.effect === effect;
}

// What is not known matches deny rules: one on guests' names refuses to list guests at all.
function checkUnknownResources(rule: Rule, warn: Warn): void {
  if (rule.effect !== 'deny' || (rule.names.length === 0 && rule.uuids.length === 0)) return;
  const always = coveredFunctions(rule.coverage).filter((fn) => concernsKind(rule, fn) && hidesResource(rule, fn));
  if (always.length === 0) return;
  const shown = always.slice(0, 3).map((fn) => `\`${fn.name}\``);
  const more = always.length > shown.length ? ` and ${always.length - shown.length} more` : '';
  const message = `rule \`${rule.id}\` refuses ${shown.join(', ')}${more} whatever the resource, which is not known there`;
  warn(['resources'], { code: 'unknown-resource', message, atKey: true });
}

// Lists have no name, and that is known; of a guest that a file holds, nobody knows it.
function hidesResource(rule: Rule, fn: ApiFunction): boolean {
  const { name, uuid } = sightOf(fn);
  return (rule.names.length > 0 && name === 'unseen') || (rule.uuids.length > 0 && uuid === 'unseen');
}
