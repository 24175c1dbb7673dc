/** What follows from comparisons of one value. */
import type { Comparison } from './comparison.js';
import { type Glob, globCovers } from './glob.js';

/** Whole numbers from `low` to `high`; none where `low` is greater. */
export interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

/** Every number that an argument of libvirt can be. */
export const anyNumber: Interval = { low: -(2n ** 63n), high: 2n ** 64n - 1n };

/** The numbers that the ordering comparisons among these leave. */
export function intervalOf(comparisons: readonly Comparison[], within: Interval = anyNumber): Interval {
  let { low, high } = within;
  for (const { operator, operand } of comparisons) {
    if (typeof operand !== 'bigint') continue;
    const least = { equal: operand, greaterOrEqual: operand, greater: operand + 1n }[String(operator)] ?? low;
    const most = { equal: operand, lessOrEqual: operand, less: operand - 1n }[String(operator)] ?? high;
    if (least > low) low = least;
    if (most < high) high = most;
  }
  return { low, high };
}

/** True where no value can satisfy all of them. Says so only where that is certain. */
export function excludeEachOther(comparisons: readonly Comparison[], within?: Interval): boolean {
  const { low, high } = intervalOf(comparisons, within);
  if (low > high) return true;
  if (low === high && comparisons.some((comparison) => isAboutNumber(comparison) && !satisfies(low, comparison))) {
    return true;
  }
  return bitsExcludeEachOther(comparisons) || textsExcludeEachOther(comparisons);
}

function isAboutNumber({ operand }: Comparison): boolean {
  return typeof operand === 'bigint';
}

function satisfies(value: bigint, { operator, operand }: Comparison): boolean {
  if (typeof operand !== 'bigint') return false;
  const bits = BigInt.asUintN(64, value);
  switch (operator) {
    case 'notEqual':
      return value !== operand;
    case 'hasAny':
      return (bits & operand) !== 0n;
    case 'hasAll':
      return (bits & operand) === operand;
    case 'hasNone':
      return (bits & operand) === 0n;
    default:
      return true;
  }
}

function bitsExcludeEachOther(comparisons: readonly Comparison[]): boolean {
  const masks = (wanted: string) =>
    comparisons.flatMap(({ operator, operand }) =>
      operator === wanted && typeof operand === 'bigint' ? [operand] : [],
    );
  const none = masks('hasNone').reduce((all, mask) => all | mask, 0n);
  return masks('hasAll').some((mask) => (mask & none) !== 0n) || masks('hasAny').some((mask) => (mask & ~none) === 0n);
}

function textsExcludeEachOther(comparisons: readonly Comparison[]): boolean {
  const globs = (wanted: string) =>
    comparisons.flatMap(({ operator, operand }) =>
      operator === wanted && typeof operand !== 'bigint' ? [operand] : [],
    );
  const equal = globs('equal');
  const isElsewhere = (exact: Glob) => equal.some((other) => !globCovers(other, exact));
  return (
    equal.some((glob) => glob.form === 'exact' && isElsewhere(glob)) ||
    equal.some((glob) => globs('notEqual').some((other) => globCovers(other, glob)))
  );
}

/** Whether a value that satisfies all of `known` satisfies `wanted`. Says so only where that is certain. */
export function comparisonImplies(known: readonly Comparison[], wanted: Comparison): boolean {
  if (known.some((one) => one.operator === wanted.operator && sameOrNarrower(one, wanted))) return true;
  if (typeof wanted.operand !== 'bigint' || !known.some(isAboutNumber)) return false;
  const { low, high } = intervalOf(known);
  if (low === high) return satisfies(low, wanted) && isWithin({ low, high }, intervalOf([wanted]));
  return isOrdering(wanted) && isWithin({ low, high }, intervalOf([wanted]));
}

function isOrdering({ operator }: Comparison): boolean {
  return !['notEqual', 'hasAny', 'hasAll', 'hasNone'].includes(operator);
}

function isWithin(one: Interval, other: Interval): boolean {
  return one.low >= other.low && one.high <= other.high;
}

function sameOrNarrower({ operator, operand }: Comparison, wanted: Comparison): boolean {
  if (typeof operand === 'bigint' || typeof wanted.operand === 'bigint') return operand === wanted.operand;
  return operator === 'equal' ? globCovers(wanted.operand, operand) : operand.text === wanted.operand.text;
}
