/** The users and groups that a policy speaks of. */
import type { Rule } from './rule.js';
import type { UsablePolicy } from './usable_policy.js';

export interface NamedAccount {
  readonly kind: 'user' | 'group';
  readonly id: number;
  /** Undefined where rules have only the number. */
  readonly name: string | undefined;
}

/** Those that rules name, under `not` too, each once. */
export function accountsIn({ policy, accounts }: UsablePolicy): NamedAccount[] {
  const found = new Map<string, NamedAccount>();
  for (const { kind, id, name } of policy.rules.flatMap((rule) => mentionsIn(rule, accounts))) {
    const key = `${kind} ${id}`;
    if (id !== undefined && found.get(key)?.name === undefined) found.set(key, { kind, id, name });
  }
  return [...found.values()];
}

/** A number that no rule has: who has it is nobody in particular. */
export function strangerTo(usable: UsablePolicy): number {
  const named = new Set(accountsIn(usable).map(({ id }) => id));
  let uid = 0xfffffffe;
  while (named.has(uid)) uid--;
  return uid;
}

interface Mention {
  readonly kind: 'user' | 'group';
  readonly id: number | undefined;
  readonly name?: string;
}

type Accounts = UsablePolicy['accounts'];

function mentionsIn(rule: Rule, accounts: Accounts): Mention[] {
  const further = rule.conditions.flatMap((one): Mention[] => {
    if (one.kind !== 'uids' && one.kind !== 'gids') return [];
    return mentions(one.kind === 'uids' ? 'user' : 'group', one.names, one.ids, accounts);
  });
  return [
    ...mentions('user', rule.users, rule.uids, accounts),
    ...mentions('group', rule.groups, [], accounts),
    ...further,
  ];
}

function mentions(
  kind: Mention['kind'],
  names: readonly string[],
  ids: readonly number[],
  { users, groups }: Accounts,
): Mention[] {
  const known = kind === 'user' ? users : groups;
  return [...names.map((name) => ({ kind, name, id: known.get(name) })), ...ids.map((id) => ({ kind, id }))];
}
