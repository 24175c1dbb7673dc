/** Why a rule can never match, by its own words. */
import { type ApiFunction, functions } from '../generated/api.js';
import type { Coverage } from './action.js';
import type { Comparison, operators } from './comparison.js';
import { anyNumber, excludeEachOther, type Interval } from './comparison_logic.js';
import type { Condition } from './condition.js';
import { allConditions, allWithin, type Value, valuesOf } from './implication.js';
import type { Rule } from './rule.js';
import type { Path } from './source.js';

export interface Contradiction {
  /** Where in the rule. */
  readonly steps: Path;
  readonly why: string;
}

export function contradictionsOf(rule: Rule): Contradiction[] {
  if (rule.mode === 'disabled') return [];
  return [...aboutResources(rule), ...aboutLists(rule), ...aboutConnections(rule), ...aboutValues(rule)];
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

function hasName(kind: string): boolean {
  return kind !== 'none' && !namelessKinds.has(kind);
}

function aboutResources(rule: Rule): Contradiction[] {
  if (rule.coverage.size === 0) return [];
  const acted = [...new Set(coveredFunctions(rule.coverage).map(judgedKind))];
  const kinds = rule.kinds.length > 0 ? rule.kinds : acted;
  const never = (key: string, why: string): Contradiction[] => [{ steps: ['resources', key], why }];
  const what = rule.kinds.length > 0 ? `resources of kind ${kinds.join(', ')} have` : 'what its functions act on has';
  if (rule.kinds.length > 0 && !acted.some((kind) => rule.kinds.includes(kind))) {
    return never('kinds', `none of its functions acts on ${kinds.join(', ')}`);
  }
  if (rule.names.length > 0 && !kinds.some(hasName)) return never('names', `${what} no name`);
  if (rule.uuids.length > 0 && !kinds.some((kind) => uuidKinds.has(kind))) return never('uuids', `${what} no uuid`);
  return [];
}

/** The kind that a function's resource is judged as: a snapshot as its domain. */
export function judgedKind(fn: ApiFunction): string {
  return fn.object === 'domain-snapshot' || fn.object === 'domain-checkpoint' ? 'domain' : fn.object;
}

/** Whether the rule's conditions on resources can hold for a call of the function. */
export function concernsKind(rule: Rule, fn: ApiFunction): boolean {
  const kind = judgedKind(fn);
  if (rule.kinds.length > 0 && !rule.kinds.includes(kind)) return false;
  return (rule.names.length === 0 || hasName(kind)) && (rule.uuids.length === 0 || uuidKinds.has(kind));
}

// What a list names and `not` takes away again.
function aboutLists(rule: Rule): Contradiction[] {
  const conditions = allConditions(rule);
  return conditions.filter(isNegated).flatMap((excluded): Contradiction[] => {
    const values = valuesOf(excluded) ?? [];
    // Of the two names of a command for people one may be in the list and the other not.
    const certain = rule.effect === 'allow' || excluded.kind !== 'monitor';
    const listed = conditions.find(({ kind, negated }) => kind === excluded.kind && !negated);
    const all = listed === undefined ? undefined : valuesOf(listed);
    if (certain && all !== undefined && all.length > 0 && allWithin(all, values)) {
      return [{ steps: excluded.steps, why: '`not` takes away all that is listed' }];
    }
    return rule.effect === 'allow' && isEverything(values)
      ? [{ steps: excluded.steps, why: '`not` takes away everything' }]
      : [];
  });
}

function isNegated({ negated }: Condition): boolean {
  return negated;
}

function isEverything(values: readonly Value[]): boolean {
  return values.some((value) => typeof value !== 'string' && value.form === 'prefix' && value.literal.length === 0);
}

// Globs over URIs that begin with another driver than the rule wants.
function aboutConnections(rule: Rule): Contradiction[] {
  const schemes = rule.uris.map(({ text }) => /^[a-z0-9]+(?=[+:])/.exec(text)?.[0]);
  const wanted = rule.drivers.map(({ text }) => text);
  if (wanted.length === 0 || schemes.length === 0) return [];
  if (schemes.some((scheme) => scheme === undefined || scheme === 'remote' || wanted.includes(scheme))) return [];
  return [{ steps: ['connections', 'drivers'], why: `its URIs are of ${schemes.join(', ')}` }];
}

interface Compared {
  readonly steps: Path;
  readonly comparisons: Comparison[];
  readonly within: Interval;
}

function aboutValues(rule: Rule): Contradiction[] {
  return comparedValues(rule)
    .filter(({ comparisons, within }) => excludeEachOther(comparisons, within))
    .map(({ steps, comparisons }) => ({
      steps,
      why: comparisons.length > 1 ? 'its comparisons exclude each other' : `it is never ${wordsOf(comparisons[0])}`,
    }));
}

function wordsOf(comparison: Comparison | undefined): string {
  if (comparison === undefined) return 'so';
  const { operator, operand } = comparison;
  const words: Partial<Record<(typeof operators)[number], string>> = {
    less: 'less than ',
    lessOrEqual: 'at most ',
    greater: 'greater than ',
    greaterOrEqual: 'at least ',
  };
  return `${words[operator] ?? ''}${String(operand)}`;
}

// In deny rules several values of one field or fact may each satisfy one of the comparisons.
function comparedValues(rule: Rule): Compared[] {
  const found = new Map<string, Compared>();
  const add = (steps: Path, comparison: Comparison, within: Interval) => {
    const key = steps.join('.');
    const known = found.get(key) ?? { steps, comparisons: [], within };
    known.comparisons.push(comparison);
    found.set(key, known);
  };
  for (const test of rule.arguments) add(['arguments', test.name], test, rangeOf(rule, test.name));
  for (const condition of rule.effect === 'allow' ? rule.conditions : []) {
    if (condition.kind === 'parameter') add(condition.steps, condition.test, anyNumber);
    if (condition.kind === 'xmlFact' && !condition.negated) add(condition.steps, condition.test, anyNumber);
  }
  return [...found.values()];
}

const ranges: Readonly<Record<string, Interval>> = {
  Int: { low: -(2n ** 31n), high: 2n ** 31n - 1n },
  UInt: { low: 0n, high: 2n ** 32n - 1n },
  Long: { low: -(2n ** 63n), high: 2n ** 63n - 1n },
  LongLong: { low: -(2n ** 63n), high: 2n ** 63n - 1n },
};
const unsigned: Interval = { low: 0n, high: 2n ** 64n - 1n };

// What the argument can be in any of the rule's functions.
function rangeOf(rule: Rule, name: string): Interval {
  const types = coveredFunctions(rule.coverage).flatMap((fn) => fn.args.filter((arg) => arg.name === name));
  const all = types.map(({ type }) => ranges[type] ?? unsigned);
  let { low, high } = all[0] ?? anyNumber;
  for (const range of all) {
    if (range.low < low) low = range.low;
    if (range.high > high) high = range.high;
  }
  return { low, high };
}

export function coveredFunctions(coverage: Coverage): ApiFunction[] {
  return [...coverage.keys()].flatMap((id) => functions[id] ?? []);
}
