/** Who is who on this machine: users with their groups, groups with their members. */
import { execFileSync } from 'node:child_process';
import type { LookUpNow } from './accounts.js';

export interface User {
  readonly name: string;
  readonly uid: number;
  /** Of all groups that it is in. */
  readonly gids: readonly number[];
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  /** Names of its users, in the order of the alphabet; those that only the group's own number tells, too. */
  readonly members: readonly string[];
}

/** Asked by name or by number; undefined where there is no such account. */
export interface NameService {
  user(key: string | number): User | undefined;
  group(key: string | number): Group | undefined;
}

/** Accounts that stand for a machine's own, as cases name them. */
export interface AccountsDocument {
  readonly users?: Readonly<Record<string, { readonly uid: number; readonly groups?: readonly string[] }>>;
  readonly groups?: Readonly<Record<string, number>>;
}

/** The name service of this machine, asked as its programs do. Throws where `getent` cannot be run. */
export function systemNames(): NameService {
  let passwd: string[][] | undefined;
  return {
    user(key) {
      const [name, , uid] = entries('passwd', key)[0] ?? [];
      return name === undefined ? undefined : { name, uid: Number(uid), gids: groupsOf(name) };
    },
    group(key) {
      const [name, , gid, listed = ''] = entries('group', key)[0] ?? [];
      if (name === undefined) return undefined;
      passwd ??= entries('passwd');
      const own = passwd.filter((fields) => fields[3] === gid).map(([user = '']) => user);
      const members = [...new Set([...listed.split(','), ...own])].filter((user) => user !== '').sort();
      return { name, gid: Number(gid), members };
    },
  };
}

/** `document`'s accounts first, `rest` for those that it does not name. */
export function namesWith(document: AccountsDocument, rest: NameService = systemNames()): NameService {
  const groups = new Map(Object.entries(document.groups ?? {}));
  const users = Object.entries(document.users ?? {}).map(([name, { uid, groups: of = [] }]) => {
    return { name, uid, gids: of.flatMap((group) => groups.get(group) ?? []), of };
  });
  return {
    user(key) {
      const found = users.find(({ name, uid }) => name === key || uid === key);
      return found === undefined ? rest.user(key) : { name: found.name, uid: found.uid, gids: found.gids };
    },
    group(key) {
      const found = [...groups].find(([name, gid]) => name === key || gid === key);
      if (found === undefined) return rest.group(key);
      const [name, gid] = found;
      return { name, gid, members: users.filter(({ of }) => of.includes(name)).map((user) => user.name) };
    },
  };
}

/** What a policy is compiled with. */
export function lookUpIn(names: NameService): LookUpNow {
  return (database, name) => (database === 'passwd' ? names.user(name)?.uid : names.group(name)?.gid);
}

const limits = { timeout: 30_000, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8', stdio: 'pipe' } as const;

/** Lines of the database as fields; one line or none where a key is given. */
function entries(database: 'passwd' | 'group', key?: string | number): string[][] {
  const asked = key === undefined ? [] : [String(key)];
  try {
    const lines = execFileSync('getent', ['--', database, ...asked], limits).split('\n');
    return lines.flatMap((line) => (line === '' ? [] : [line.split(':')]));
  } catch (error) {
    // getent's own word for "no such entry".
    if ((error as { status?: unknown }).status === 2) return [];
    throw error;
  }
}

function groupsOf(user: string): number[] {
  return execFileSync('id', ['-G', '--', user], limits).trim().split(/\s+/).map(Number);
}
