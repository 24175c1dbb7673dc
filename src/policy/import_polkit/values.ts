/** What an expression of a polkit rule can be before anybody asks. */
import type { Function as FunctionNode } from 'acorn';
import type { Fact, Place, Test } from './path.js';

export type Plain = string | number | boolean | null | undefined | RegExp;

export type Value =
  | { readonly is: 'plain'; readonly value: Plain }
  | { readonly is: 'list'; readonly items: readonly Value[] }
  | { readonly is: 'map'; readonly entries: ReadonlyMap<string, Value> }
  | { readonly is: 'function'; readonly node: FunctionNode; readonly depth: number }
  /** `action`, `subject`, `polkit`, `polkit.Result`. */
  | { readonly is: 'given'; readonly what: 'action' | 'subject' | 'polkit' | 'results' }
  /** A text that only the call tells: a user, a name. */
  | { readonly is: 'text'; readonly of: Fact }
  /** The first `length` units of such a text, or the last. */
  | { readonly is: 'part'; readonly of: Fact; readonly end: 'first' | 'last'; readonly length: number }
  /** The names of the subject's groups. */
  | { readonly is: 'groups' }
  /** Where something was found: -1 unless `present` holds, 0 only where `first` holds. */
  | { readonly is: 'position'; readonly present: Test; readonly first: Test | undefined }
  | { readonly is: 'test'; readonly test: Test; readonly negated: boolean }
  /** An object where the test holds, else null. */
  | { readonly is: 'match'; readonly test: Test }
  | { readonly is: 'unknown'; readonly place: Place; readonly why: string };

export const plain = (value: Plain): Value => ({ is: 'plain', value });
export const nothing = plain(undefined);

export const results: Readonly<Record<string, string | null>> = {
  ...{ YES: 'yes', NO: 'no', NOT_HANDLED: null, AUTH_SELF: 'auth_self', AUTH_SELF_KEEP: 'auth_self_keep' },
  ...{ AUTH_ADMIN: 'auth_admin', AUTH_ADMIN_KEEP: 'auth_admin_keep' },
};
