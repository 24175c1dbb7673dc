/** What a recorded call tells a policy that is to allow it. */
import { type ApiFunction, functionsByName } from '../../generated/api.js';
import type { SetName } from '../document.js';
import type { Request } from '../evaluate.js';
import { stringProblem } from '../glob.js';
import type { TrafficCall } from '../recorded_traffic.js';
import { setOf } from '../sets.js';

/** Calls that look the same to every rule that could be learnt, the time apart. */
export interface Seen {
  readonly fn: ApiFunction;
  readonly set: SetName;
  readonly request: Request;
  /** Id of the first record. */
  readonly record: string;
  readonly count: number;
}

/** Why a call is not learnt from. */
export type LeftOut = 'refused' | 'nested' | 'helper' | 'failed before it was known what it was about';

/** The call, or why it is left out. */
export function look({ request, record }: TrafficCall): Seen | LeftOut {
  const fn = functionsByName.get(request.function);
  const set = fn && setOf(fn);
  if (fn === undefined || set === undefined) return 'helper';
  if (record.nested) return 'nested';
  if (record.decision?.effect === 'denied') return 'refused';
  if (record.success === false && isBlind(fn, request)) return 'failed before it was known what it was about';
  return { fn, set, request, record: record.rid, count: 1 };
}

/** The same text for calls that no rule can tell apart, whenever they were made. */
export function identityOf({ request }: Seen): string {
  const { time: _time, ...facts } = request;
  return JSON.stringify(facts, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

// To allow it wherever it leads would allow what nobody saw.
function isBlind(fn: ApiFunction, { connection, resource }: Request): boolean {
  const opens = fn.class === 'connection' && fn.returnsObject !== 'none';
  if (opens) return connection?.uri === undefined;
  return fn.class === 'lookup' && resource?.name === undefined && resource?.uuid === undefined;
}

const digest = /hmac:[0-9a-f]{16}/g;

/** Whether the text holds what stands for a secret, or is no text that a rule could have. */
export function isUnspeakable(text: string): boolean {
  return text.search(digest) >= 0 || stringProblem(text) !== undefined;
}

/** A glob for this text and no other; `*` where a secret was, `?` for bytes that are no text. */
export function globFor(text: string): string {
  const parts = text.split(digest).map((part) => part.replaceAll(/[\\*?]/g, '\\$&'));
  return parts.join('*').replaceAll(/[\ud800-\udfff\0]/g, (unit) => (/\p{Surrogate}|\0/u.test(unit) ? '?' : unit));
}
