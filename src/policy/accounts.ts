/** Users and groups of rules -> the numbers that a process has. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { Diagnostic } from './diagnostic.js';
import type { Policy } from './load.js';
import { complainAbout, type Rule } from './rule.js';
import type { Path } from './source.js';

export type Database = 'passwd' | 'group';

/** The number of an account, or undefined where there is none of that name. */
export type LookUp = (database: Database, name: string) => Promise<number | undefined>;

/** The same while everything else in the thread waits. */
export type LookUpNow = (database: Database, name: string) => number | undefined;

export interface Accounts {
  readonly users: ReadonlyMap<string, number>;
  readonly groups: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

const timeout = 30_000;

/** Asks the name service of this machine, as its programs do. Rejects where `getent` cannot be run. */
export const lookUpWithGetent: LookUp = async (database, name) => {
  try {
    return numberIn((await promisify(execFile)('getent', ['--', database, name], { timeout })).stdout);
  } catch (error) {
    return unlessMissing(error, 'code');
  }
};

const lookUpNow: LookUpNow = (database, name) => {
  try {
    return numberIn(execFileSync('getent', ['--', database, name], { timeout, encoding: 'utf8', stdio: 'pipe' }));
  } catch (error) {
    return unlessMissing(error, 'status');
  }
};

function numberIn(entry: string): number | undefined {
  const fields = entry.split('\n')[0]?.split(':') ?? [];
  return fields[0] === undefined || fields[2] === undefined ? undefined : Number(fields[2]);
}

/** Undefined for getent's own word for "no such entry"; throws any other error. */
function unlessMissing(error: unknown, exitCode: 'code' | 'status'): undefined {
  if ((error as { code?: unknown; status?: unknown })[exitCode] !== 2) throw error;
}

/** Looks up every account that the policy names, each once. */
export async function resolveAccounts(policy: Policy, lookUp: LookUp = lookUpWithGetent): Promise<Accounts> {
  const users = await lookUpAll('passwd', lookUp, userNames(policy));
  return accountsOf(policy, users, await lookUpAll('group', lookUp, groupNames(policy)));
}

/** `resolveAccounts` while everything else in this thread waits. */
export function resolveAccountsSync(policy: Policy, lookUp: LookUpNow = lookUpNow): Accounts {
  const lookUpEach = (database: Database, names: ReadonlySet<string>) =>
    known([...names].map((name) => [name, lookUp(database, name)]));
  return accountsOf(policy, lookUpEach('passwd', userNames(policy)), lookUpEach('group', groupNames(policy)));
}

function userNames(policy: Policy): ReadonlySet<string> {
  return namesIn(policy, 'passwd');
}

function groupNames(policy: Policy): ReadonlySet<string> {
  return namesIn(policy, 'group');
}

function namesIn(policy: Policy, database: Database): ReadonlySet<string> {
  const mentions = policy.rules.flatMap(mentionsIn).filter((mention) => mention.database === database);
  return new Set(mentions.flatMap(({ names }) => names));
}

interface Mention {
  readonly database: Database;
  readonly steps: Path;
  readonly names: readonly string[];
}

function mentionsIn(rule: Rule): Mention[] {
  const further = rule.conditions.flatMap((condition): Mention[] => {
    if (condition.kind === 'uids') return [{ database: 'passwd', steps: condition.steps, names: condition.names }];
    return condition.kind === 'gids' ? [{ database: 'group', steps: condition.steps, names: condition.names }] : [];
  });
  return [
    { database: 'passwd', steps: ['subjects', 'users'], names: rule.users },
    { database: 'group', steps: ['subjects', 'groups'], names: rule.groups },
    ...further,
  ];
}

type Numbers = ReadonlyMap<string, number>;

function accountsOf(policy: Policy, users: Numbers, groups: Numbers): Accounts {
  const diagnostics = policy.rules.flatMap((rule) =>
    mentionsIn(rule).flatMap((mention) => unknownNames(rule, mention, mention.database === 'passwd' ? users : groups)),
  );
  return { users, groups, diagnostics };
}

async function lookUpAll(database: Database, lookUp: LookUp, names: ReadonlySet<string>): Promise<Numbers> {
  const found: [string, number | undefined][] = [];
  for (const name of names) found.push([name, await lookUp(database, name)]);
  return known(found);
}

function known(found: readonly (readonly [string, number | undefined])[]): Numbers {
  return new Map(found.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

function unknownNames(rule: Rule, { database, steps, names }: Mention, known: Numbers): Diagnostic[] {
  const what = database === 'passwd' ? 'user' : 'group';
  return names.flatMap((name, index) => {
    if (known.has(name)) return [];
    const message = `this machine knows no ${what} \`${name}\``;
    return [complainAbout(rule, [...steps, index], { code: `unknown-${what}`, message })];
  });
}
