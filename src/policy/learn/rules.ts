/** Rules that allow the calls that were seen, and no other than was asked for. */

import type { SetName } from '../document.js';
import { drivers } from '../drivers.js';
import { groupBy } from '../group_by.js';
import type { RuleDraft } from '../policy_text.js';
import { setNames } from '../sets.js';
import { type ArgumentsLevel, type Conditions, variantsOf } from './arguments.js';
import { type NamesLevel, namesFor } from './names.js';
import { globFor, type Seen } from './seen.js';

export type SubjectsLevel = 'user' | 'uid' | 'any';
export type ConnectionsLevel = 'uri' | 'driver' | 'any';

export interface Levels {
  readonly subjects: SubjectsLevel;
  readonly connections: ConnectionsLevel;
  readonly names: NamesLevel;
  readonly arguments: ArgumentsLevel;
}

/** Names of users, by number; undefined for those that have none. */
export type UserName = (uid: number) => string | undefined;

/** One rule in the making: any value of a list will do, undefined where nothing is asked. */
interface Draft {
  readonly subjects: readonly (string | number)[] | undefined;
  readonly connections: readonly string[] | undefined;
  /** What `connections` lists. */
  readonly by: 'uris' | 'drivers';
  readonly names: readonly string[] | undefined;
  readonly uuids: readonly string[] | undefined;
  readonly actions: readonly string[];
  readonly kind: string;
  readonly set: SetName;
  readonly conditions: Conditions;
  readonly count: number;
  readonly record: string;
}

type Dimension = 'subjects' | 'connections' | 'names' | 'uuids' | 'actions';

export function rulesFor(seen: readonly Seen[], levels: Levels, userName: UserName): RuleDraft[] {
  let drafts = draftsOf(seen, levels, userName);
  for (const dimension of ['names', 'uuids', 'actions', 'connections', 'subjects'] as const) {
    drafts = unite(drafts, dimension);
  }
  drafts.sort(inOrder);
  const taken = new Set<string>();
  return drafts.map((draft) => ruleOf(draft, idFor(draft, taken)));
}

/** A draft for each kind of call. */
function draftsOf(seen: readonly Seen[], levels: Levels, userName: UserName): Draft[] {
  const drafts: Draft[] = [];
  const alike = groupBy(seen, (one) =>
    JSON.stringify([subjectOf(one, levels, userName), connectionOf(one, levels), kindOf(one)]),
  );
  for (const calls of alike.values()) {
    const globOf = namesFor(
      new Set(calls.flatMap(({ request }) => request.resource?.name ?? []).map(String)),
      levels.names,
    );
    const parts = groupBy(calls, (one) => JSON.stringify([one.fn.id, resourceOf(one, levels, globOf)]));
    for (const part of parts.values()) drafts.push(...variants(part, levels, userName, globOf));
  }
  return drafts;
}

type GlobOf = (name: string) => string | undefined;

function variants(part: readonly Seen[], levels: Levels, userName: UserName, globOf: GlobOf): Draft[] {
  const [first] = part;
  if (first === undefined) return [];
  const subject = subjectOf(first, levels, userName);
  const { by, value: connection } = connectionOf(first, levels);
  const { name, uuid } = resourceOf(first, levels, globOf);
  return variantsOf(first.fn, part, levels.arguments).map(({ conditions, calls }) => ({
    subjects: list(subject),
    connections: list(connection),
    by,
    names: list(name),
    uuids: list(uuid),
    actions: [first.fn.name],
    kind: kindOf(first),
    set: first.set,
    conditions,
    count: calls.reduce((sum, { count }) => sum + count, 0),
    record: calls[0]?.record ?? '',
  }));
}

function list<T>(value: T | undefined): readonly T[] | undefined {
  return value === undefined ? undefined : [value];
}

function subjectOf({ request }: Seen, { subjects }: Levels, userName: UserName): string | number | undefined {
  const { uid } = request;
  if (subjects === 'any' || uid === undefined) return undefined;
  return (subjects === 'user' ? userName(uid) : undefined) ?? uid;
}

// By the driver where the URI is not known.
function connectionOf(
  { request }: Seen,
  { connections }: Levels,
): Pick<Draft, 'by'> & { readonly value: string | undefined } {
  const { uri, driver } = request.connection ?? {};
  if (connections === 'uri' && uri !== undefined) return { by: 'uris', value: globFor(String(uri)) };
  const name = connections === 'any' ? undefined : String(driver);
  return { by: 'drivers', value: name !== undefined && drivers.has(name) ? name : undefined };
}

// A snapshot is judged as its guest.
function kindOf({ fn }: Seen): string {
  if (fn.object === 'none' || fn.object === 'connect') return 'host';
  return fn.object === 'domain-snapshot' || fn.object === 'domain-checkpoint' ? 'domain' : fn.object;
}

function resourceOf({ request }: Seen, { names }: Levels, globOf: GlobOf) {
  const { name, uuid } = request.resource ?? {};
  if (name !== undefined && name !== '') return { name: globOf(String(name)), uuid: undefined };
  return { name: undefined, uuid: names === 'any' || uuid === undefined || uuid === '' ? undefined : String(uuid) };
}

// Drafts that differ in nothing else: what both lists allow together is what was seen.
function unite(drafts: readonly Draft[], dimension: Dimension): Draft[] {
  const rest = ({ count: _count, record: _record, ...draft }: Draft) =>
    text({ ...draft, [dimension]: draft[dimension] === undefined });
  return [...groupBy(drafts, rest).values()].map((group) => {
    const [first] = group;
    if (first === undefined) throw new RangeError('an empty group');
    const values = [...new Set(group.flatMap((draft): readonly (string | number)[] => draft[dimension] ?? []))].sort(
      compare,
    );
    return {
      ...first,
      [dimension]: first[dimension] === undefined ? undefined : values,
      count: group.reduce((sum, { count }) => sum + count, 0),
    };
  });
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : Number(String(a) > String(b));
}

function inOrder(a: Draft, b: Draft): number {
  const bySet = setNames.indexOf(a.set) - setNames.indexOf(b.set);
  const { count: _a, record: _b, ...restOfA } = a;
  const { count: _c, record: _d, ...restOfB } = b;
  return bySet || compare(a.kind, b.kind) || compare(text(restOfA), text(restOfB));
}

function idFor({ subjects, kind, set }: Draft, taken: Set<string>): string {
  const [first] = subjects ?? [];
  const who =
    subjects === undefined
      ? 'anyone'
      : subjects.length > 1
        ? 'users'
        : `${typeof first === 'number' ? 'uid-' : ''}${first}`;
  const start = `${who
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]/, 'user$&')
    .slice(0, 32)}-${set}-${kind}`;
  let id = start;
  for (let number = 2; taken.has(id); number++) id = `${start}-${number}`;
  taken.add(id);
  return id;
}

function ruleOf(draft: Draft, id: string): RuleDraft {
  const { subjects, connections, by, names, uuids, actions, conditions, count, record } = draft;
  const users = subjects?.filter((subject) => typeof subject === 'string');
  const uids = subjects?.filter((subject) => typeof subject === 'number');
  return {
    id,
    description: `${count} call${count === 1 ? '' : 's'}, the first in record ${record}`,
    effect: 'allow',
    actions,
    ...(subjects && { subjects: { ...(users?.length && { users }), ...(uids?.length && { uids }) } }),
    ...(connections && { connections: { [by]: connections } }),
    ...((names || uuids) && { resources: { ...(names && { names }), ...(uuids && { uuids }) } }),
    ...(Object.keys(conditions).length > 0 && { arguments: conditions }),
  };
}
