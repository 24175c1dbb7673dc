// overrides.json, indexed by function. An entry that names nothing is an error: it would hide a change of the facts.
import type { OverriddenCheck, RawFunction, RawOverrides } from './facts.js';
import type { Failure, ObjectKind } from './vocabulary.js';

type ArgOverride = RawOverrides['args'][number];

export interface Overrides {
  stateChanging(fn: string): boolean | undefined;
  arg(fn: string, arg: string): ArgOverride | undefined;
  checks(fn: string): readonly OverriddenCheck[] | undefined;
  failure(fn: string): Failure | undefined;
  object(fn: string): ObjectKind | undefined;
}

export function indexOverrides(raw: RawOverrides): Overrides {
  const byFunction = <T extends { functions: readonly string[] }>(entries: readonly T[]) =>
    new Map(entries.flatMap((entry) => entry.functions.map((fn) => [fn, entry] as const)));
  const stateChanging = byFunction(raw.stateChanging);
  const checks = byFunction(raw.checks);
  const failure = byFunction(raw.failure);
  const objects = byFunction(raw.objects);
  const args = new Map(raw.args.flatMap((entry) => entry.functions.map((fn) => [`${fn}(${entry.arg})`, entry])));
  return {
    stateChanging: (fn) => stateChanging.get(fn)?.value,
    arg: (fn, arg) => args.get(`${fn}(${arg})`),
    checks: (fn) => checks.get(fn)?.checks,
    failure: (fn) => failure.get(fn)?.value,
    object: (fn) => objects.get(fn)?.object,
  };
}

/** Problems of overrides.json itself: names of nothing, entries without a reason, functions said twice. */
export function checkOverrides(raw: RawOverrides, functions: ReadonlyMap<string, RawFunction>): readonly string[] {
  return Object.entries(raw).flatMap(([section, entries]) =>
    checkSection(entries, functions).map((problem) => `overrides.json: ${section}: ${problem}`),
  );
}

interface Entry {
  readonly functions: readonly string[];
  readonly reason: string;
  readonly arg?: string;
}

function checkSection(entries: readonly Entry[], functions: ReadonlyMap<string, RawFunction>): readonly string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { functions: names, reason, arg } of entries) {
    if (!reason) problems.push(`the entry of \`${names.join(', ')}\` has no reason`);
    for (const name of names) {
      const key = arg === undefined ? name : `${name}(${arg})`;
      if (!exists(functions.get(name), arg)) problems.push(`\`${key}\` is unknown`);
      if (seen.has(key)) problems.push(`\`${key}\` stands there twice`);
      seen.add(key);
    }
  }
  return problems;
}

function exists(fn: RawFunction | undefined, arg: string | undefined): boolean {
  return fn !== undefined && (arg === undefined || fn.args.some(({ name }) => name === arg));
}
