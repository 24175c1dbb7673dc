/** What has to be so for a polkit rule to come to a result: tests that hold, and tests that do not. */
import { globToRegExp, hasWildcard } from '../glob.js';

/** Where something stands in a file of rules. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Texts that a rule of virtshim can ask about. */
export type Fact = 'user' | 'name' | 'uuid' | 'driver';

export type Test =
  | { readonly about: 'group'; readonly group: string }
  /** Any of the globs matches. */
  | { readonly about: Fact; readonly globs: readonly string[] }
  /** What cannot be asked: it may hold or not. */
  | { readonly about: 'unknown'; readonly place: Place; readonly why: string };

export interface Literal {
  readonly test: Test;
  readonly holds: boolean;
}

export type Path = readonly Literal[];

/** The path with one more literal; undefined where it contradicts the others. */
export function extend(path: Path, test: Test, holds: boolean): Path | undefined {
  const known = implied(path, test);
  if (known !== undefined) return known === holds ? path : undefined;
  const longer = [...path, { test, holds }];
  return test.about !== 'unknown' && test.about !== 'group' && candidates(longer, test.about)?.length === 0
    ? undefined
    : longer;
}

function implied(path: Path, test: Test): boolean | undefined {
  if (test.about === 'unknown') return undefined;
  const same = path.find((literal) => JSON.stringify(literal.test) === JSON.stringify(test));
  if (same !== undefined || test.about === 'group') return same?.holds;
  const answers = new Set(candidates(path, test.about)?.map((text) => matches(test.globs, text)));
  return answers.size === 1 ? [...answers][0] : undefined;
}

/** The only texts that the fact can be along the path; undefined where there is no such list. */
export function candidates(path: Path, fact: Fact): string[] | undefined {
  const tests = path.flatMap(({ test, holds }) => (test.about === fact ? [{ globs: test.globs, holds }] : []));
  const lists = tests.filter(({ globs, holds }) => holds && globs.every((glob) => !hasWildcard(glob)));
  return lists[0]?.globs
    .map(literalOf)
    .filter((text) => tests.every(({ globs, holds }) => matches(globs, text) === holds));
}

function literalOf(glob: string): string {
  return glob.replaceAll(/\\(.)/gs, '$1');
}

function matches(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => globToRegExp(glob).test(text));
}

/** A glob for this text alone. */
export function exactly(text: string): string {
  return text.replaceAll(/[\\*?]/g, '\\$&');
}

/** Fewer paths that say the same: what holds either way is left out. */
export function simplify(paths: readonly Path[]): Path[] {
  let current = [...paths];
  for (let merged: Path[] | undefined = current; merged !== undefined; ) {
    current = merged;
    merged = mergeOnce(current);
  }
  return current;
}

const most = 400;

function mergeOnce(paths: readonly Path[]): Path[] | undefined {
  if (paths.length > most) return undefined;
  for (const [at, path] of paths.entries()) {
    for (const other of paths.slice(at + 1)) {
      const merged = merge(path, other);
      if (merged !== undefined) return [...paths.filter((one) => one !== path && one !== other), merged];
    }
  }
  return undefined;
}

// Two that differ in one answer, or one that says all that the other says, and more.
function merge(a: Path, b: Path): Path | undefined {
  const [shorter, longer] = a.length <= b.length ? [a, b] : [b, a];
  const missing = shorter.filter((literal) => !has(longer, literal));
  if (missing.length === 0) return shorter;
  const [only] = missing;
  if (missing.length > 1 || only === undefined || shorter.length !== longer.length) return undefined;
  const opposite = { test: only.test, holds: !only.holds };
  return has(longer, opposite) ? shorter.filter((literal) => literal !== only) : undefined;
}

function has(path: Path, literal: Literal): boolean {
  return path.some(
    ({ test, holds }) => holds === literal.holds && JSON.stringify(test) === JSON.stringify(literal.test),
  );
}
