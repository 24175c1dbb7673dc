/** What a function returns: when it is a failure, and what JavaScript sees of it. */
import type { RawResult } from './values.js';

/** How libvirt says that a call failed; the names are those of the API facts. */
export type Failure = 'None' | 'Negative' | 'MinusOne' | 'Zero' | 'Null';

export interface Returns {
  readonly failure: Failure;
  /** Whether the failure value is also an answer; then it is an error only where libvirt has set one. */
  readonly ambiguous: boolean;
  /** Whether the returned value is part of the result even where other results come out of arguments. */
  readonly data: boolean;
  readonly convert: (result: RawResult) => unknown;
}

const same = (result: RawResult): unknown => result;

function data(failure: Failure, convert = same, ambiguous = false): Returns {
  return { failure, ambiguous, data: true, convert };
}

export const returns = {
  /** 0 or a failure: nothing in JavaScript. */
  status: { ...data('Negative', () => undefined), data: false },
  /** How many there are in the list that comes out of an argument. */
  count: { ...data('Negative'), data: false },
  nothing: { ...data('None', () => undefined), data: false },
  int: data('Negative'),
  boolean: data('Negative', (result) => result === 1),
  uint: data('MinusOne', same, true),
  ulong: data('Zero', same, true),
  longlong: data('MinusOne', same, true),
  ulonglong: data('Zero', same, true),
  string: data('Null'),
  optionalString: data('Null', same, true),
  object: data('Null'),
  optionalObject: data('Null', same, true),
};

const tests: Readonly<Record<Failure, (result: RawResult) => boolean>> = {
  None: () => false,
  Negative: (result) => typeof result === 'number' && result < 0,
  // -1 of an unsigned type reads as its highest value.
  MinusOne: (result) => result === -1 || result === 0xffffffff || result === 0xffffffffffffffffn,
  Zero: (result) => result === 0,
  Null: (result) => result === null,
};

/** The test for a failure. */
export function failureTest(failure: Failure): (result: RawResult) => boolean {
  return tests[failure];
}
