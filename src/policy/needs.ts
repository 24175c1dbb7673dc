/** What a call needs: the permissions that its flags ask for, and the sets whose defaults decide about them. */
import { types } from 'node:util';
import { type ApiFunction, functionsByName } from '../generated/api.js';
import { writeImage } from './compile.js';
import type { Effect, SetName } from './document.js';
import { evaluate, explainCall, type Request } from './evaluate.js';
import { loadPolicy, type Policy } from './load.js';
import { type Checks, checksInSet, implicitCheck, setNames } from './sets.js';

export interface Need {
  /** Null for a call that needs no permission: its set decides. */
  readonly permission: string | null;
  readonly set: SetName;
  /** The default of the set. */
  readonly byDefault: Effect;
}

/** None for helpers, which are permitted unless a rule has their name. */
export function needsOf(policy: Policy, request: Request): readonly Need[] {
  const fn = functionsByName.get(request.function);
  const rule = fn === undefined ? undefined : explainCall(everything(), request).rules[0];
  if (fn === undefined || rule === undefined) return [];
  const permissions = rule.permissions.length === 0 ? [null] : [...new Set(rule.permissions)];
  return permissions.flatMap((permission) => {
    const set = setOfNeed(fn, permission);
    return set === undefined ? [] : [{ permission, set, byDefault: policy.defaults[set] }];
  });
}

/** What the evaluator cannot make sense of; undefined where it can be asked. */
export function requestProblem(request: Request): string | undefined {
  try {
    evaluate(everything(), request);
    return undefined;
  } catch (error) {
    // Not instanceof: suites of jest have a TypeError of their own.
    if (types.isNativeError(error) && error.name === 'TypeError') return error.message;
    throw error;
  }
}

function setOfNeed(fn: ApiFunction, permission: string | null): SetName | undefined {
  const checks = permission === null ? implicitCheck : checksOf(fn, permission);
  return setNames.find((set) => (checksInSet(fn, set) & checks) !== 0);
}

function checksOf(fn: ApiFunction, permission: string): Checks {
  return fn.checks.reduce((mask, check, index) => (check.permission === permission ? mask | (1 << index) : mask), 0);
}

let image: Uint8Array | undefined;

// One rule that covers all there is: the evaluator's word on what a call needs.
function everything(): Uint8Array {
  if (image !== undefined) return image;
  const rules = [{ id: 'everything', effect: 'deny', actions: ['*'] }];
  const { policy } = loadPolicy(JSON.stringify({ name: 'everything', rules }), 'everything.json');
  if (policy === undefined) throw new Error('a policy of one rule does not load');
  image = writeImage(policy, { users: new Map(), groups: new Map() });
  return image;
}
