/** Who is who on this machine: users with their groups, groups with their members. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type LookUp, lookUpWithGetent } from './accounts.js';

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
  user(key: string | number): Promise<User | undefined>;
  group(key: string | number): Promise<Group | undefined>;
}

/** Accounts that stand for a machine's own, as cases name them. */
export interface AccountsDocument {
  readonly users?: Readonly<Record<string, { readonly uid: number; readonly groups?: readonly string[] }>>;
  readonly groups?: Readonly<Record<string, number>>;
}

/** The name service of this machine, asked as its programs do. */
export function systemNames(): NameService {
  const passwd = once(() => entries('passwd'));
  return {
    async user(key) {
      const [name, , uid] = (await entries('passwd', key))[0] ?? [];
      return name === undefined ? undefined : { name, uid: Number(uid), gids: await groupsOf(name) };
    },
    async group(key) {
      const [name, , gid, listed = ''] = (await entries('group', key))[0] ?? [];
      if (name === undefined) return undefined;
      const own = (await passwd()).filter((fields) => fields[3] === gid).map(([user = '']) => user);
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
    async user(key) {
      const found = users.find(({ name, uid }) => name === key || uid === key);
      return found === undefined ? rest.user(key) : { name: found.name, uid: found.uid, gids: found.gids };
    },
    async group(key) {
      const found = [...groups].find(([name, gid]) => name === key || gid === key);
      if (found === undefined) return rest.group(key);
      const [name, gid] = found;
      return { name, gid, members: users.filter(({ of }) => of.includes(name)).map((user) => user.name) };
    },
  };
}

/** What a policy is compiled with. */
export function lookUpIn(names: NameService): LookUp {
  return async (database, name) =>
    database === 'passwd' ? (await names.user(name))?.uid : (await names.group(name))?.gid;
}

/** The same for `undefined`: this machine's, without a question more than compiling needs. */
export function lookUpOf(names: NameService | undefined): LookUp {
  return names === undefined ? lookUpWithGetent : lookUpIn(names);
}

const run = promisify(execFile);
const limits = { timeout: 30_000, maxBuffer: 64 * 1024 * 1024 };

/** Lines of the database as fields; one line or none where a key is given. */
async function entries(database: 'passwd' | 'group', key?: string | number): Promise<string[][]> {
  const asked = key === undefined ? [] : [String(key)];
  try {
    const { stdout } = await run('getent', ['--', database, ...asked], limits);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split(':')]));
  } catch (error) {
    // getent's own word for "no such entry".
    if ((error as { code?: unknown }).code === 2) return [];
    throw error;
  }
}

async function groupsOf(user: string): Promise<number[]> {
  const { stdout } = await run('id', ['-G', '--', user], limits);
  return stdout.trim().split(/\s+/).map(Number);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
