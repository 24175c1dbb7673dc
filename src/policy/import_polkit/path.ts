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
  /** The same text for the same test, whether it holds or not. */
  readonly key: string;
}

export type Path = readonly Literal[];

/** The path with one more literal; undefined where it contradicts the others. */
export function extend(path: Path, test: Test, holds: boolean): Path | undefined {
  const key = keyOf(test);
  const known = implied(path, test, key);
  if (known !== undefined) return known === holds ? path : undefined;
  const longer = [...path, { test, holds, key }];
  return test.about !== 'unknown' && test.about !== 'group' && candidates(longer, test.about)?.length === 0
    ? undefined
    : longer;
}

const keys = new WeakMap<Test, string>();

function keyOf(test: Test): string {
  const known = keys.get(test) ?? JSON.stringify(test);
  keys.set(test, known);
  return known;
}

function implied(path: Path, test: Test, key: string): boolean | undefined {
  if (test.about === 'unknown') return undefined;
  const same = path.find((literal) => literal.key === key);
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
  let current = paths.map(withIndex);
  for (let merged: Indexed[] | undefined = current; merged !== undefined; ) {
    current = merged;
    merged = current.length > most ? undefined : mergeOnce(current);
  }
  return current.map(({ path }) => path);
}

const most = 400;

/** A path, and whether each of its tests holds. */
interface Indexed {
  readonly path: Path;
  readonly holds: ReadonlyMap<string, boolean>;
}

function withIndex(path: Path): Indexed {
  return { path, holds: new Map(path.map(({ key, holds }) => [key, holds])) };
}

/** With one merge done; undefined where there is none. */
function mergeOnce(paths: readonly Indexed[]): Indexed[] | undefined {
  for (const [at, path] of paths.entries()) {
    for (let other = at + 1; other < paths.length; other++) {
      const merged = merge(path, paths[other] ?? path);
      if (merged !== undefined) return [...paths.filter((_, index) => index !== at && index !== other), merged];
    }
  }
  return undefined;
}

// Two that differ in one answer, or one that says all that the other says, and more.
function merge(a: Indexed, b: Indexed): Indexed | undefined {
  const [shorter, longer] = a.path.length <= b.path.length ? [a, b] : [b, a];
  let only: Literal | undefined;
  for (const literal of shorter.path) {
    if (longer.holds.get(literal.key) === literal.holds) continue;
    if (only !== undefined) return undefined;
    only = literal;
  }
  if (only === undefined) return shorter;
  const opposed = shorter.path.length === longer.path.length && longer.holds.get(only.key) === !only.holds;
  return opposed ? withIndex(shorter.path.filter((literal) => literal !== only)) : undefined;
}
