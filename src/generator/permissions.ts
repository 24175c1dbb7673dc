// Permission checks: libvirt's @acl annotations with their flag conditions.
//
// libvirt's own generator turns `object:perm:FLAGS` into ((flags & (FLAGS)) == (FLAGS)) and `object:perm:!FLAGS` into
// ((flags & (FLAGS)) == 0); the conditions here mean the same.
import { maskOf } from './constants.js';
import type { OverriddenCheck, RawCheck, RawFunction } from './facts.js';
import type { FlagCondition } from './vocabulary.js';

export interface Check {
  readonly permission: string;
  readonly condition: FlagCondition;
  readonly mask: number;
  /** Index of the argument that the condition reads, -1 for Always. */
  readonly arg: number;
}

export function permissionName(check: RawCheck): string {
  return `${check.object}.${check.perm}`.replaceAll('_', '-');
}

/** Throws on unknown flags and on a condition that the prototype cannot answer. */
export function parseCheck(fn: RawFunction, check: RawCheck, constants: ReadonlyMap<string, number>): Check {
  const permission = permissionName(check);
  if (check.flags === undefined) return { permission, condition: 'Always', mask: 0, arg: -1 };
  if (check.flags === '')
    throw new Error(`empty condition of \`${permission}\`: overrides.json must say when it holds`);
  const negated = check.flags.startsWith('!');
  const mask = maskOf(negated ? check.flags.slice(1) : check.flags, constants);
  return { permission, condition: negated ? 'NoneSet' : 'AllSet', mask, arg: argIndex(fn, 'flags') };
}

/** The same for a check of overrides.json. */
export function overriddenCheck(
  fn: RawFunction,
  check: OverriddenCheck,
  constants: ReadonlyMap<string, number>,
): Check {
  if (!/^[a-z-]+\.[a-z-]+$/.test(check.permission)) throw new Error(`\`${check.permission}\` is not object.permission`);
  if (!check.when) return { permission: check.permission, condition: 'Always', mask: 0, arg: -1 };
  const mask = maskOf(check.when.equals, constants);
  return { permission: check.permission, condition: 'Equals', mask, arg: argIndex(fn, check.when.arg) };
}

function argIndex(fn: RawFunction, name: string): number {
  const index = fn.args.findIndex((arg) => arg.name === name);
  if (index < 0) throw new Error(`a check asks for \`${name}\`, which is no argument`);
  return index;
}
