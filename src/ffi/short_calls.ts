/** Synchronous calls that need no more than their arguments: most are of this kind, and this is what makes them cheap. */
import { native } from '../native.js';
import { beforeCall } from './before_call.js';
import type { Check, FilledCell } from './codec.js';
import type { Definition } from './define.js';
import { bind, type RawFunction } from './library.js';
import type { Cell } from './memory.js';
import { outcomeOf } from './outcome.js';
import type { RawResult } from './values.js';

type Any = (...values: unknown[]) => unknown;

/** Functions that need no Call: their arguments are passed by value, but for one that is filled at most. */
export function shortWay(definition: Definition): Any | undefined {
  const { args, returns } = definition;
  const [cell, second] = args.flatMap((codec) => codec.cell ?? []);
  const isShort = args.every(({ direct, cell: filled }, i) => (direct ?? filled)?.index === i);
  if (!isShort || second !== undefined) return undefined;
  const checks = args.flatMap(({ direct }) => direct?.check ?? []);
  if (cell === undefined) return shortCall(definition, checks);
  return returns.data || returns.mayFindNothing ? undefined : fillingCall(definition, checks, cell);
}

/** Most calls are of this kind; no array is made for them. */
function shortCall({ name, prototype, returns, failure }: Definition, checks: readonly Check[]): Any {
  const { fails, judge } = outcomeOf(name, returns, failure);
  const { convert } = returns;
  let raw: RawFunction = (...args) => {
    raw = bind(prototype);
    return raw(...args);
  };
  const failed = (result: RawResult): unknown => {
    judge(native().lastError());
    return convert(result);
  };
  const [a, b, c] = checks;
  if (a === undefined) {
    return () => {
      beforeCall?.();
      const result = raw();
      return fails(result) ? failed(result) : convert(result);
    };
  }
  if (b === undefined) {
    return (first) => {
      const x = a(first, name);
      beforeCall?.();
      const result = raw(x);
      return fails(result) ? failed(result) : convert(result);
    };
  }
  if (c === undefined) {
    return (first, second) => {
      const x = a(first, name);
      const y = b(second, name);
      beforeCall?.();
      const result = raw(x, y);
      return fails(result) ? failed(result) : convert(result);
    };
  }
  return (...values) => {
    const args = checks.map((check, i) => check(values[i], name));
    beforeCall?.();
    const result = raw(...args);
    return fails(result) ? failed(result) : convert(result);
  };
}

/** The result of the call is what C fills in. */
function fillingCall(definition: Definition, checks: readonly Check[], { index, store, read }: FilledCell): Any {
  const { name, prototype, returns, failure } = definition;
  const { fails, judge } = outcomeOf(name, returns, failure);
  let raw: RawFunction = (...args) => {
    raw = bind(prototype);
    return raw(...args);
  };
  const finish = (result: RawResult, cell: Cell): unknown => {
    if (fails(result)) judge(native().lastError());
    const value = read(cell.view);
    store.giveBack(cell);
    return value;
  };
  const [first] = checks;
  if (first !== undefined && checks.length === 1 && index === 1) {
    return (value) => {
      const checked = first(value, name);
      const cell = store.take();
      beforeCall?.();
      return finish(raw(checked, cell.bytes), cell);
    };
  }
  return (...values) => {
    const args = checks.map((check, i) => check(values[i], name));
    const cell = store.take();
    args.splice(index, 0, cell.bytes);
    beforeCall?.();
    return finish(raw(...args), cell);
  };
}
