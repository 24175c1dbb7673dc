/** What a function returns: when it is a failure, and what JavaScript sees of it. */
import type { Call, Codec } from './codec.js';
import { bytesAt, free, lookAt, unsignedIn } from './memory.js';
import { out } from './outs.js';
import type { Struct } from './structs.js';
import type { RawResult } from './values.js';

/** How libvirt says that a call failed; the names are those of the API facts. */
export type Failure = 'None' | 'Negative' | 'MinusOne' | 'Zero' | 'Null';

export interface Returns {
  readonly failure: Failure;
  /** Whether the failure value is also an answer; then it is an error only where libvirt has set one. */
  readonly ambiguous: boolean;
  /** Whether the returned value is part of the result even where other results come out of arguments. */
  readonly data: boolean;
  readonly convert: (result: RawResult, call?: Call) => unknown;
  /** Releases what was returned, in the end of a call that did not fail. */
  readonly release?: (result: RawResult) => void;
  /** An argument that belongs to the returned value. */
  readonly codec?: Codec;
  /** 0 is no failure, but there is nothing: null instead of what arguments would give. */
  readonly mayFindNothing?: true;
}

const same = (result: RawResult): unknown => result;

function data(failure: Failure, convert = same, ambiguous = false): Returns {
  return { failure, ambiguous, data: true, convert };
}

/** Bytes that are the caller's; an argument that libvirt fills tells how many. */
function bytes(sizeIndex: number): Returns {
  const convert = (result: RawResult, call?: Call): unknown => {
    const size = call?.cells[sizeIndex];
    return typeof result === 'bigint' && size ? bytesAt(result, Number(unsignedIn(size.view, 0))) : null;
  };
  const release = (result: RawResult): void => free(typeof result === 'bigint' ? result : null);
  return { ...data('Null', convert), release, codec: out.ignored('size', sizeIndex) };
}

/** A struct that remains libvirt's; null for NULL. */
function optionalStruct(type: Struct<unknown>): Returns {
  const convert = (result: RawResult): unknown =>
    typeof result === 'bigint' ? lookAt(result, type.size, (view) => type.read(view, 0)) : null;
  return data('None', convert);
}

export const returns = {
  /** 0 or a failure: nothing in JavaScript. */
  status: { ...data('Negative', () => undefined), data: false },
  /** How many there are in the list that comes out of an argument. */
  count: { ...data('Negative'), data: false },
  /** Whether arguments were filled. */
  found: { ...data('Negative'), data: false, mayFindNothing: true },
  nothing: { ...data('None', () => undefined), data: false },
  int: data('Negative', same, true),
  boolean: data('Negative', (result) => result === 1),
  uint: data('MinusOne', same, true),
  /** An unsigned number that stands for none where all bits are set: -1. */
  id: data('None', (result) => (result === 0xffffffff ? -1 : result)),
  ulong: data('Zero', same, true),
  longlong: data('MinusOne', same, true),
  ulonglong: data('Zero', same, true),
  string: data('Null'),
  optionalString: data('Null', same, true),
  object: data('Null'),
  optionalPointer: data('Null', same, true),
  ...{ bytes, optionalStruct },
} as const satisfies Record<string, Returns | ((...args: never[]) => Returns)>;

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
