/** What an action of a rule covers: a permission, a function, a glob over either, or a set. */
import { type ApiFunction, functions, functionsByName, permissions } from '../generated/api.js';
import type { SetName } from './document.js';
import { globProblem, globToRegExp, hasWildcard } from './glob.js';
import {
  allChecks,
  type Checks,
  checksInSet,
  checksWhere,
  isUnjudged,
  judgedFunctions,
  possibleChecks,
  setNames,
  setOf,
} from './sets.js';
import type { Complaint } from './source.js';
import { suggest } from './suggest.js';

/** Function id -> the checks that are covered. */
export type Coverage = ReadonlyMap<number, Checks>;

/** From the most specific to the least: decides between audit levels. */
export const actionKinds = ['function', 'function-glob', 'permission', 'permission-glob', 'set', 'everything'] as const;
export type ActionKind = (typeof actionKinds)[number];

export interface Action {
  readonly text: string;
  readonly kind: ActionKind;
  readonly coverage: Coverage;
}

export type Resolved = { readonly action: Action } | { readonly complaint: Complaint };

const resolvedActions = new Map<string, Resolved>();

export function resolveAction(text: string): Resolved {
  const known = resolvedActions.get(text);
  if (known !== undefined) return known;
  const resolved = resolve(text);
  // The words of one policy are few; those of a hostile one shall not pile up.
  if (resolvedActions.size < 10_000) resolvedActions.set(text, resolved);
  return resolved;
}

function resolve(text: string): Resolved {
  const problem = globProblem(text);
  if (problem !== undefined) return { complaint: { code: 'bad-glob', message: problem } };
  if (text === '*') return action(text, 'everything', judgedFunctions, () => allChecks);
  if (text.startsWith('vir')) return resolveFunctions(text);
  if (text.includes('.')) return resolvePermissions(text);
  return resolveSet(text);
}

function resolveFunctions(text: string): Resolved {
  if (hasWildcard(text)) {
    const pattern = globToRegExp(text);
    const matching = judgedFunctions.filter((fn) => pattern.test(fn.name));
    return action(text, 'function-glob', matching, () => allChecks);
  }
  const fn = functionsByName.get(text);
  if (fn === undefined) return unknown(text, `unknown function \`${text}\``);
  if (isUnjudged(fn)) {
    const message = `\`${text}\` reports errors and is never judged or recorded`;
    return { complaint: { code: 'unjudged-function', message } };
  }
  return action(text, 'function', [fn], () => allChecks);
}

function resolvePermissions(text: string): Resolved {
  if (hasWildcard(text)) {
    const pattern = globToRegExp(text);
    return action(text, 'permission-glob', judgedFunctions, (fn) =>
      checksWhere(fn, (check) => pattern.test(check.permission)),
    );
  }
  if (!permissions.some((permission) => permission === text)) return unknown(text, `unknown action \`${text}\``);
  return action(text, 'permission', judgedFunctions, (fn) => checksWhere(fn, (check) => check.permission === text));
}

function resolveSet(text: string): Resolved {
  const set = setNames.find((name) => name === text);
  if (set === undefined) return unknown(text, `unknown action \`${text}\``);
  return action(text, 'set', judgedFunctions, (fn) => checksInSet(fn, set));
}

function action(
  text: string,
  kind: ActionKind,
  candidates: readonly ApiFunction[],
  checksOf: (fn: ApiFunction) => Checks,
): Resolved {
  const coverage = new Map<number, Checks>();
  for (const fn of candidates) {
    const checks = checksOf(fn);
    if (checks !== 0) coverage.set(fn.id, checks);
  }
  return { action: { text, kind, coverage } };
}

function unknown(text: string, message: string): Resolved {
  return { complaint: { code: 'unknown-action', message, suggestion: suggestAction(text) } };
}

/** The doubt about a glob over functions or permissions that covers none. */
export function matchesNothing(text: string): Complaint {
  const message = `\`${text}\` matches nothing that is judged`;
  return { code: 'glob-matches-nothing', severity: 'warning', message, atKey: true };
}

function suggestAction(text: string): string | undefined {
  if (text.startsWith('vir')) return suggest(text, functionNames);
  if (text.includes('.')) return suggest(text, permissions);
  // `suspend` alone: the object was left out.
  const complete = permissions.find((permission) => permission.endsWith(`.${text}`));
  return suggest(text, setNames) ?? complete ?? suggest(text, [...permissions, ...functionNames]);
}

const functionNames = functions.filter((fn) => !isUnjudged(fn)).map((fn) => fn.name);

/** The checks of a function whose set's default is to be looked up, set by set. */
export function setsOfFunction(fn: ApiFunction): readonly (readonly [SetName, Checks])[] {
  if (setOf(fn) === undefined) return [];
  return setNames.map((set) => [set, checksInSet(fn, set)] as const).filter(([, checks]) => checks !== 0);
}

/** The coverage of several actions together. */
export function unite(coverages: Iterable<Coverage>): Coverage {
  const all = new Map<number, Checks>();
  for (const coverage of coverages) {
    for (const [id, checks] of coverage) all.set(id, complete(id, (all.get(id) ?? 0) | checks));
  }
  return all;
}

function complete(id: number, checks: Checks): Checks {
  const fn = functions[id];
  if (fn === undefined) return checks;
  const possible = possibleChecks(fn);
  return (checks & possible) === possible ? allChecks : checks;
}
