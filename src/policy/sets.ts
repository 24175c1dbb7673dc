/** The sets of functions that defaults and rules name, and which checks of a function belong to which set. */
import { type ApiCheck, type ApiFunction, type CallClass, functions } from '../generated/api.js';
import type { SetName } from './document.js';

export const setNames: readonly SetName[] = [
  'read',
  'connect',
  'events',
  'control',
  'config',
  'resource',
  'guest-access',
  'data-access',
  'secret',
  'stream',
  'admin',
];

const setOfClass: Readonly<Record<CallClass, SetName | undefined>> = {
  helper: undefined,
  'local-query': 'read',
  query: 'read',
  lookup: 'read',
  connection: 'connect',
  'event-reg': 'events',
  control: 'control',
  config: 'config',
  resource: 'resource',
  'guest-access': 'guest-access',
  'data-access': 'data-access',
  secret: 'secret',
  'stream-transfer': 'stream',
  admin: 'admin',
};

/** A mask of a function's checks: bit i for checks[i]. */
export type Checks = number;

/** Covers whatever the function needs. */
export const allChecks: Checks = 0xffff;

/** The check of a call that needs no permission: only its function's name and its set cover it. */
export const implicitCheck: Checks = 0x8000;

/** The set of a function, undefined for helpers, which are judged only where a rule names them. */
export function setOf(fn: ApiFunction): SetName | undefined {
  return setOfClass[fn.class];
}

/** Functions that report errors: refusing them would hide why. */
export function isUnjudged(fn: ApiFunction): boolean {
  return fn.group === 'virterror';
}

/** Functions that sets and globs reach. */
export const judgedFunctions: readonly ApiFunction[] = functions.filter(
  (fn) => fn.class !== 'helper' && !isUnjudged(fn),
);

/** Every check that some call of the function needs. */
export function possibleChecks(fn: ApiFunction): Checks {
  const explicit = 2 ** fn.checks.length - 1;
  return fn.checks.some((check) => check.condition === 'Always') ? explicit : explicit | implicitCheck;
}

/** The checks that `wanted` picks; all of them at once where it picks every one. */
export function checksWhere(fn: ApiFunction, wanted: (check: ApiCheck) => boolean, implicit = false): Checks {
  let checks = implicit ? implicitCheck : 0;
  for (const [index, check] of fn.checks.entries()) if (wanted(check)) checks |= 1 << index;
  const possible = possibleChecks(fn);
  return (checks & possible) === possible ? allChecks : checks & possible;
}

/** The checks of the function that belong to the set: secrets that a reader can ask for belong to `secret`. */
export function checksInSet(fn: ApiFunction, set: SetName): Checks {
  const own = setOf(fn);
  if (own === 'read' && set === 'read') return checksWhere(fn, (check) => !isSecureRead(check), true);
  if (own === 'read' && set === 'secret') return checksWhere(fn, isSecureRead);
  return own === set ? allChecks : 0;
}

function isSecureRead(check: ApiCheck): boolean {
  return check.permission.endsWith('.read-secure');
}
