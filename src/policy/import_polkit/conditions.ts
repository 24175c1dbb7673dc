/** Paths of polkit rules -> conditions of a rule here. */
import { hasWildcard } from '../glob.js';
import type { RuleDraft } from '../policy_text.js';
import { candidates, exactly, type Fact, type Literal, type Path } from './path.js';

export type Conditions = Pick<RuleDraft, 'subjects' | 'connections' | 'resources'>;

/** The conditions that hold along the path and nowhere else, or why there are none such. */
export function conditionsOf(path: Path, kind: string | undefined): Conditions | { readonly problem: string } {
  const groups = groupsIn(path, true);
  if (groups.length > 1) return { problem: `two groups at once: ${groups.map((group) => `\`${group}\``).join(', ')}` };
  if (patternsIn(path).length > 1) return { problem: 'two patterns of one name at once' };
  return conditions(path, kind);
}

/** Conditions that hold along the path, and elsewhere too where they cannot say it all. */
export function widerConditionsOf(path: Path): Conditions {
  const positive = path.filter(({ test, holds }) => test.about === 'group' && holds);
  return conditions(
    path.filter((literal) => literal.test.about !== 'unknown' && !positive.slice(1).includes(literal)),
    undefined,
  );
}

function conditions(path: Path, kind: string | undefined): Conditions {
  const [users, names, uuids, drivers] = (['user', 'name', 'uuid', 'driver'] as const).map((fact) =>
    valuesOf(path, fact),
  );
  const groups = { wanted: groupsIn(path, true), unwanted: groupsIn(path, false) };
  const subjects = block({ users: plainly(users), groups });
  const connections = block({ drivers });
  const resources = block({ names, uuids: plainly(uuids) });
  return {
    ...(subjects && { subjects }),
    ...(connections && { connections }),
    // Some calls need permissions on one kind of thing and act on another, which has another name.
    ...(resources && { resources: { ...(kind !== undefined && { kinds: [kind] }), ...resources } }),
  };
}

interface Values {
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
}

function valuesOf(path: Path, fact: Fact): Values {
  const list = candidates(path, fact);
  if (list !== undefined) return { wanted: list.map(exactly), unwanted: [] };
  return { wanted: globsIn(path, fact, true), unwanted: globsIn(path, fact, false) };
}

function globsIn(path: Path, fact: Fact, wanted: boolean): string[] {
  const globs = path.flatMap(({ test, holds }) => (test.about === fact && holds === wanted ? test.globs : []));
  return [...new Set(globs)];
}

function patternsIn(path: Path): Literal[] {
  if (candidates(path, 'name') !== undefined) return [];
  return path.filter(({ test, holds }) => test.about === 'name' && holds && test.globs.some(hasWildcard));
}

function groupsIn(path: Path, wanted: boolean): string[] {
  const groups = path.flatMap(({ test, holds }) => (test.about === 'group' && holds === wanted ? [test.group] : []));
  return [...new Set(groups)];
}

// Users and uuids are no globs.
function plainly(values: Values | undefined): Values {
  const literal = (globs: readonly string[] = []) => globs.map((glob) => glob.replaceAll(/\\(.)/gs, '$1'));
  return { wanted: literal(values?.wanted), unwanted: literal(values?.unwanted) };
}

type Lists = Readonly<Record<string, readonly string[]>>;

/** `{ users: [...], not: { users: [...] } }`; undefined where nothing is asked. */
function block(lists: Readonly<Record<string, Values | undefined>>): (Lists & { readonly not?: Lists }) | undefined {
  const part = (key: keyof Values): Lists =>
    Object.fromEntries(
      Object.entries(lists).flatMap(([name, values]) => (values?.[key].length ? [[name, values[key]]] : [])),
    );
  const wanted = part('wanted');
  const unwanted = part('unwanted');
  if (Object.keys(unwanted).length === 0) return Object.keys(wanted).length === 0 ? undefined : wanted;
  return { ...wanted, not: unwanted } as Lists & { readonly not: Lists };
}
