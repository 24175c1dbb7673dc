/** Integers on their way to C. */
import { wrongArgument } from './problems.js';

/** What an integer type of C holds. */
export interface IntegerType {
  readonly words: string;
  readonly lowest: bigint;
  readonly highest: bigint;
  /** The same as numbers; above 2^53 they are a little off, where no exact number lies. */
  readonly low: number;
  readonly high: number;
}

function integerType(lowest: bigint, highest: bigint): IntegerType {
  const words = `an integer from ${lowest} to ${highest}`;
  return { words, lowest, highest, low: Number(lowest), high: Number(highest) };
}

export const int32 = integerType(-(2n ** 31n), 2n ** 31n - 1n);
export const uint32 = integerType(0n, 2n ** 32n - 1n);
export const int64 = integerType(-(2n ** 63n), 2n ** 63n - 1n);
export const uint64 = integerType(0n, 2n ** 64n - 1n);

/** Whether a value is an integer that the type holds; numbers above 2^53 are not exact and do not count. */
export function fits(value: unknown, type: IntegerType): value is number | bigint {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= type.low && value <= type.high;
  return typeof value === 'bigint' && value >= type.lowest && value <= type.highest;
}

/** The value, if the type holds it; throws VIRTSHIM_ARGUMENT if not. */
export function checkInteger(value: unknown, type: IntegerType, functionName: string, name: string): number | bigint {
  return fits(value, type) ? value : wrongArgument(functionName, name, type.words, value);
}
