/** The parts that a function's marshalling is made of. */
import type { Cell, CellStore } from './memory.js';
import type { RawResult, RawValue } from './values.js';

/** One C argument, made of one JavaScript argument. Throws VIRTSHIM_ARGUMENT. */
export type Check = (value: unknown, functionName: string) => RawValue;

/** One call on its way through C: what is passed, and the memory that C fills. */
export class Call {
  readonly functionName: string;
  /** The C arguments in their order. */
  readonly c: RawValue[] = [];
  /** Memory that C fills, by the C index of the argument that points to it. */
  readonly cells: Cell[] = [];
  /** What an argument has to remember, by its C index. */
  readonly notes: unknown[] = [];
  result: RawResult = undefined;

  constructor(functionName: string) {
    this.functionName = functionName;
  }
}

/** Memory that C fills, and what JavaScript sees of it. */
export interface FilledCell {
  readonly index: number;
  readonly store: CellStore;
  readonly read: (view: DataView) => unknown;
}

/** One argument of C or several that belong together. */
export interface Codec {
  readonly name: string;
  /** Whether a JavaScript argument belongs to it. */
  readonly input: boolean;
  /** Only for inputs that are exactly one C argument: calls made of such alone take the short way. */
  readonly direct?: { readonly index: number; readonly check: Check };
  /** Only for results that are read from one cell, whatever the rest of the call is: there is a shorter way for these. */
  readonly cell?: FilledCell;
  /** Whether libvirt may call JavaScript within the call. */
  readonly callsBack?: true;
  /** Puts its C arguments into the call; `value` is undefined where `input` is false. */
  put(call: Call, value: unknown): void;
  /** What it adds to the result; runs after a call that did not fail. */
  take?(call: Call): unknown;
  /** Whether the answer did not fit; it has made more room then, and the call is made again. */
  again?(call: Call): boolean;
  /** Always runs once in the end, also where something threw: releases what libvirt allocated, if the call succeeded. */
  end?(call: Call, succeeded: boolean): void;
}
