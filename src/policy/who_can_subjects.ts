/** Those whom a policy tells apart. */
import type { NameService } from './name_service.js';
import { accountsIn, type NamedAccount, strangerTo } from './named_accounts.js';
import type { UsablePolicy } from './usable_policy.js';

/** Somebody as the evaluator is asked about them. */
export type Subject = { readonly uid: number; readonly gids: readonly number[] } & (
  | {
      readonly kind: 'user';
      /** Undefined where the machine knows no such user. */
      readonly name: string | undefined;
      /** Rules name the user, not only a group of theirs. */
      readonly named: boolean;
    }
  /** Whoever is in the group, and in no other that rules name. */
  | { readonly kind: 'group'; readonly name: string | undefined; readonly members: readonly string[] }
  /** Whom no rule names. */
  | { readonly kind: 'others' }
);

/** The users and groups that rules name, the members of these groups, and everyone else. */
export function subjectsOf(usable: UsablePolicy, names: NameService): Subject[] {
  const accounts = accountsIn(usable);
  const stranger = strangerTo(usable);
  const users = accounts.flatMap((account) => (account.kind === 'user' ? [userOf(account, names)] : []));
  const groups = accounts.flatMap((account) => (account.kind === 'group' ? [groupOf(account, names, stranger)] : []));
  const known = new Set(users.map(({ uid }) => uid));
  const members = new Set(groups.flatMap((group) => (group.kind === 'group' ? group.members : [])));
  const further = [...members].flatMap((name) => memberOf(name, names)).filter(({ uid }) => !known.has(uid));
  return [...users, ...groups, ...further, { kind: 'others', uid: stranger, gids: [] }];
}

function userOf({ id, name }: NamedAccount, names: NameService): Subject {
  const user = names.user(name ?? id);
  return { kind: 'user', named: true, name: name ?? user?.name, uid: id, gids: user?.gids ?? [] };
}

function groupOf({ id, name }: NamedAccount, names: NameService, uid: number): Subject {
  const group = names.group(name ?? id);
  return { kind: 'group', name: name ?? group?.name, uid, gids: [id], members: group?.members ?? [] };
}

function memberOf(name: string, names: NameService): Subject[] {
  const user = names.user(name);
  return user === undefined ? [] : [{ kind: 'user', named: false, name, uid: user.uid, gids: user.gids }];
}
