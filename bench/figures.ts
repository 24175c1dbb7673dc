/** Numbers of the benchmark: what was measured, and what it may be. */

/** One measured quantity, set against its limit. */
export interface Figure {
  /**
   * What the limit is about: `untouched`, `judged`, `decide`, `recorded`, `netlink`, `start`, `memory`, `node`, `trail`,
   * `report`.
   */
  readonly section: string;
  readonly name: string;
  /** Rules of the policy in force; 0 without a policy. */
  readonly rules: number;
  /** The cost itself, in `unit`: what the shim adds, or a ratio where `unit` is `x`. */
  readonly value: number;
  readonly unit: 'ns' | 'ms' | 'KiB' | 'x';
  readonly limit: number;
  /** What the same work costs without the shim, or what the ratio is made against: in ns, ms or KiB. */
  readonly reference: number;
  /** `value` as a ratio of the reference: what can be compared between machines. */
  readonly ratio: number;
  /** Further numbers worth keeping, in the unit that each name says. */
  readonly details: Readonly<Record<string, number>>;
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The middle of the differences of values that were measured next to each other. */
export function medianDifference(values: readonly number[], references: readonly number[]): number {
  return median(values.map((value, index) => value - (references[index] ?? Number.NaN)));
}

export function meetsLimit(figure: Figure): boolean {
  return figure.value <= figure.limit;
}
