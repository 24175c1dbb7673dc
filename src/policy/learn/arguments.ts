/** Conditions on arguments, from the values that were seen. */

import { documentedType } from '../../ffi/typed_fields.js';
import type { ApiArg, ApiFunction } from '../../generated/api.js';
import type { NativeParameters, NativeScalar } from '../../native.js';
import { valueKindOf } from '../argument.js';
import type { Request } from '../evaluate.js';
import { groupBy } from '../group_by.js';
import type { ComparisonDraft, RuleDraft } from '../policy_text.js';
import { isUnspeakable } from './seen.js';

/**
 * exact: the very values that came together; range: numbers between the least and the greatest, flags of which each was
 * seen, texts as they were; any: whatever asks for no permission that was not needed.
 */
export type ArgumentsLevel = 'exact' | 'range' | 'any';

export type Conditions = NonNullable<RuleDraft['arguments']>;

type Scalar = NativeScalar;
/** By the name of the argument, or NAME.FIELD. */
type Values = ReadonlyMap<string, readonly Scalar[]>;

/** Calls that one rule allows, and what it asks of their arguments. */
export interface Variant<Call> {
  readonly conditions: Conditions;
  readonly calls: readonly Call[];
}

/** Sorts the calls of one function by what has to be said of their arguments. */
export function variantsOf<Call extends { readonly request: Request }>(
  fn: ApiFunction,
  calls: readonly Call[],
  level: ArgumentsLevel,
): Variant<Call>[] {
  const wanted = (arg: ApiArg) => level !== 'any' || decides(fn, arg);
  const seen = calls.map((call) => ({ call, values: valuesOf(fn, call.request, wanted) }));
  const parts = groupBy(seen, ({ values }) => partOf(fn, values, level));
  return [...parts.values()].map((part) => ({
    calls: part.map(({ call }) => call),
    conditions: conditionsOf(
      fn,
      part.map(({ values }) => values),
    ),
  }));
}

/** What texts, fields and single values have in common within a variant; numbers may differ unless `exact`. */
function partOf(fn: ApiFunction, values: Values, level: ArgumentsLevel): string {
  const key = [...values].map(([name, list]) => {
    const free = level !== 'exact' && list.every((value) => isNumber(value)) && !isEnumerated(fn, name);
    return free ? [name] : [name, ...list.map((value) => `${typeof value} ${value}`)];
  });
  return JSON.stringify(key);
}

function conditionsOf(fn: ApiFunction, seen: readonly Values[]): Conditions {
  const conditions: Record<string, ComparisonDraft> = {};
  for (const name of seen[0]?.keys() ?? []) {
    const all = [...new Set(seen.flatMap((values) => values.get(name) ?? []))];
    const comparison = comparisonOf(fn, name, all);
    if (comparison !== undefined) conditions[name] = comparison;
  }
  return conditions;
}

function comparisonOf(fn: ApiFunction, name: string, values: readonly Scalar[]): ComparisonDraft | undefined {
  const [first] = values;
  if (first !== undefined && values.length === 1) return { equal: first };
  const numbers = values.flatMap((value) => (isNumber(value) ? [BigInt(value)] : []));
  if (numbers.length < values.length || numbers.length === 0) return undefined;
  if (isBits(fn, name)) return bitsOf(fn, name, numbers);
  const sorted = numbers.sort(byValue);
  return { greaterOrEqual: sorted[0] ?? 0n, lessOrEqual: sorted.at(-1) ?? 0n };
}

const word = 0xffffffffn;

// No bit that was never seen; and none missing whose absence alone would ask for a further permission.
function bitsOf(fn: ApiFunction, name: string, values: readonly bigint[]): ComparisonDraft {
  const unseen = word & ~values.reduce((bits, value) => bits | value, 0n);
  const needed = fn.checks.flatMap(({ condition, mask, arg }) => {
    const never = condition === 'NoneSet' && values.every((value) => (value & BigInt(mask)) !== 0n);
    return never && fn.args[arg]?.name === name ? [BigInt(mask)] : [];
  });
  const wide = fn.args.find((arg) => arg.name === name)?.type !== 'UInt';
  return {
    ...(unseen !== 0n && { hasNone: [unseen] }),
    ...(wide && { lessOrEqual: word }),
    // Only one such list can be asked for; the smallest leaves the least open.
    ...(needed.length > 0 && { hasAny: needed.sort(byValue).slice(0, 1) }),
  };
}

function byValue(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}

function valuesOf(fn: ApiFunction, request: Request, wanted: (arg: ApiArg) => boolean): Values {
  const values = new Map<string, Scalar[]>();
  for (const [index, arg] of fn.args.entries()) {
    const value = request.arguments?.[arg.name];
    if (value === undefined || value === null || !wanted(arg) || isSaidOtherwise(fn, index, request)) continue;
    if (typeof value === 'object') addFields(values, arg.name, value);
    else if (isFit(value)) values.set(arg.name, [value]);
  }
  return values;
}

function addFields(values: Map<string, Scalar[]>, name: string, parameters: NativeParameters): void {
  const pairs = Array.isArray(parameters)
    ? (parameters as readonly (readonly [string, Scalar])[])
    : Object.entries(parameters);
  for (const [field, value] of pairs) {
    if (!isFit(value) || documentedType(field) === undefined) continue;
    const key = `${name}.${field}`;
    values.set(key, [...(values.get(key) ?? []), value]);
  }
}

// By the resource, by the connection, or by the length of what is to be filled.
function isSaidOtherwise(fn: ApiFunction, index: number, { arguments: given = {}, resource }: Request): boolean {
  const arg = fn.args[index];
  if (arg === undefined || arg.secret || fn.args.some(({ count }) => count === index)) return true;
  if (index === fn.flagsArg || decides(fn, arg)) return false;
  if (fn.class === 'lookup' || (fn.class === 'connection' && valueKindOf(arg) === 'string')) return true;
  const value = given[arg.name];
  return typeof value === 'string' && [resource?.name, resource?.uuid].includes(value);
}

const longest = 256;

// XML and texts of many lines are not what a rule compares.
function isFit(value: Scalar): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'string') return true;
  return value.length <= longest && !/[<\n]/.test(value) && !isUnspeakable(value);
}

function isNumber(value: Scalar): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Whether the argument decides which permissions the call needs. */
function decides(fn: ApiFunction, arg: ApiArg): boolean {
  return fn.checks.some((check) => fn.args[check.arg] === arg);
}

function isBits(fn: ApiFunction, name: string): boolean {
  const arg = fn.args.find((known) => known.name === name);
  return arg !== undefined && (fn.args[fn.flagsArg] === arg || decides(fn, arg)) && !isEnumerated(fn, name);
}

function isEnumerated(fn: ApiFunction, name: string): boolean {
  return fn.checks.some(({ condition, arg }) => condition === 'Equals' && fn.args[arg]?.name === name);
}
