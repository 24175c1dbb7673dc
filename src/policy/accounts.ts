/** Users and groups of rules -> the numbers that a process has. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Diagnostic } from './diagnostic.js';
import type { Policy } from './load.js';
import type { Path } from './source.js';

export type Database = 'passwd' | 'group';

/** The number of an account, or undefined where there is none of that name. */
export type LookUp = (database: Database, name: string) => Promise<number | undefined>;

export interface Accounts {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Asks the name service of this machine, as its programs do. Rejects where `getent` cannot be run. */
export const lookUpWithGetent: LookUp = async (database, name) => {
  try {
    const { stdout } = await promisify(execFile)('getent', ['--', database, name], { timeout: 30_000 });
    const fields = stdout.split('\n')[0]?.split(':') ?? [];
    return fields[0] === undefined || fields[2] === undefined ? undefined : Number(fields[2]);
  } catch (error) {
    // getent's own word for "no such entry".
    if ((error as { code?: unknown }).code === 2) return undefined;
    throw error;
  }
};

/** Looks up every account that the policy names, each once. */
export async function resolveAccounts(policy: Policy, lookUp: LookUp = lookUpWithGetent): Promise<Accounts> {
  const users = await lookUpAll(
    'passwd',
    lookUp,
    policy.rules.flatMap((rule) => rule.users),
  );
  const groups = await lookUpAll(
    'group',
    lookUp,
    policy.rules.flatMap((rule) => rule.groups),
  );
  const diagnostics = policy.rules.flatMap((rule) => {
    const path: Path = ['rules', rule.index, 'subjects'];
    return [
      ...unknownNames(policy, [...path, 'users'], rule.users, users, 'user'),
      ...unknownNames(policy, [...path, 'groups'], rule.groups, groups, 'group'),
    ];
  });
  return { users, groups, diagnostics };
}

async function lookUpAll(database: Database, lookUp: LookUp, names: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of new Set(names)) {
    const id = await lookUp(database, name);
    if (id !== undefined) found.set(name, id);
  }
  return found;
}

function unknownNames(
  policy: Policy,
  path: Path,
  names: readonly string[],
  known: ReadonlyMap<string, number>,
  what: 'user' | 'group',
): Diagnostic[] {
  return names.flatMap((name, index) => {
    if (known.has(name)) return [];
    const message = `this machine knows no ${what} \`${name}\``;
    return [policy.source.complain([...path, index], { code: `unknown-${what}`, message })];
  });
}
