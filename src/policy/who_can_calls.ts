/** The calls that an action stands for: each function in the forms in which it needs different permissions. */
import { VirtshimError } from '../errors.js';
import { type ApiFunction, functions } from '../generated/api.js';
import type { NativeRequest } from '../native.js';
import { resolveAction } from './action.js';
import { type CallDocument, requestOf } from './call.js';
import type { Policy } from './load.js';
import type { NameService } from './name_service.js';
import { type Need, needsOf } from './needs.js';
import { sightOf } from './resource_sight.js';
import { type Checks, implicitCheck } from './sets.js';

export interface CallForm {
  /** As it was described, before its caller is known. */
  readonly request: NativeRequest;
  /** Of the arguments, those that this form adds: flags that ask for further permissions. */
  readonly added: Readonly<Record<string, bigint>>;
  readonly needs: readonly Need[];
}

/**
 * Every form of a call that needs something the action covers. `call` is what is known of all of them.
 * @throws VirtshimError VIRTSHIM_USAGE where there is no such action, or the call makes no sense
 */
export function callsOf(
  action: string,
  call: Omit<CallDocument, 'function'>,
  policy: Policy,
  names: NameService,
): CallForm[] {
  const coverage = [...coverageOf(action)].flatMap(([id, checks]) => {
    const fn = functions[id];
    return fn === undefined ? [] : [{ fn, checks }];
  });
  // Of many functions those that take the arguments are meant; one is worth an answer where they are misspelt.
  const meant = coverage.length === 1 ? coverage : coverage.filter(({ fn }) => takes(fn, call));
  const forms = meant.flatMap(({ fn, checks }) =>
    formsOf(fn, call, policy, names).filter(({ needs }) => needs.some((need) => covers(fn, checks, need))),
  );
  if (forms.length > 0) return forms;
  const why =
    meant.length === 0
      ? 'no function of it takes these arguments'
      : 'a helper, which only a deny rule of its name refuses';
  throw new VirtshimError('VIRTSHIM_USAGE', `nobody can be told about \`${action}\`: ${why}`);
}

function coverageOf(action: string) {
  const resolved = resolveAction(action);
  if ('action' in resolved) return resolved.action.coverage;
  const { message, suggestion } = resolved.complaint;
  throw new VirtshimError(
    'VIRTSHIM_USAGE',
    message,
    suggestion === undefined ? {} : { hint: `did you mean \`${suggestion}\`?` },
  );
}

function takes(fn: ApiFunction, { arguments: given = {} }: Omit<CallDocument, 'function'>): boolean {
  return Object.keys(given).every((name) => fn.args.some((arg) => arg.name === name));
}

function covers(fn: ApiFunction, checks: Checks, { permission }: Need): boolean {
  if (permission === null) return (checks & implicitCheck) !== 0;
  return fn.checks.some((check, index) => check.permission === permission && (checks & (1 << index)) !== 0);
}

function formsOf(
  fn: ApiFunction,
  call: Omit<CallDocument, 'function'>,
  policy: Policy,
  names: NameService,
): CallForm[] {
  const request = requestOf({ ...call, ...visible(fn, call), function: fn.name }, names);
  const forms = new Map<string, CallForm>();
  for (const added of additions(fn, request.arguments ?? {})) {
    const needs = needsOf(policy, { ...request, arguments: { ...request.arguments, ...added } });
    const key = JSON.stringify(needs);
    if (!forms.has(key)) forms.set(key, { request, added, needs });
  }
  return [...forms.values()];
}

// What the shim cannot see of a call's resource does not count, whatever it is.
function visible(fn: ApiFunction, { resource: { name, uuid, kind } = {} }: Omit<CallDocument, 'function'>) {
  const sight = sightOf(fn);
  return {
    resource: {
      ...(kind !== undefined && { kind }),
      ...(name !== undefined && sight.name === 'seen' && { name }),
      ...(uuid !== undefined && sight.uuid === 'seen' && { uuid }),
    },
  };
}

type Addition = Readonly<Record<string, bigint>>;

function additions(fn: ApiFunction, given: object): Addition[] {
  const single = fn.checks.flatMap(({ condition, mask, arg }): Addition[] => {
    const name = fn.args[arg]?.name;
    if (name === undefined || name in given || (condition !== 'AllSet' && condition !== 'Equals')) return [];
    return [{ [name]: BigInt(mask) }];
  });
  return [{}, ...single, ...allAtOnce(fn, given)];
}

function allAtOnce(fn: ApiFunction, given: object): Addition[] {
  const masks = new Map<string, bigint>();
  for (const { condition, mask, arg } of fn.checks) {
    const name = fn.args[arg]?.name;
    if (name === undefined || name in given || condition !== 'AllSet') continue;
    masks.set(name, (masks.get(name) ?? 0n) | BigInt(mask));
  }
  return masks.size === 0 ? [] : [Object.fromEntries(masks)];
}
