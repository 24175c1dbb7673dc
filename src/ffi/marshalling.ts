/** Calls a C function with JavaScript values: on this thread, or on one of the addon's. */
import { type NativeError, native } from '../native.js';
import { beforeCall } from './before_call.js';
import { Call, type Codec } from './codec.js';
import type { Definition } from './define.js';
import { attached, bind, type RawFunction } from './library.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { shortWay } from './short_calls.js';

type Any = (...values: unknown[]) => unknown;

/** The codecs of a function, by what they do. */
interface Parts {
  readonly outcome: Outcome;
  readonly inputs: readonly Codec[];
  readonly outputs: readonly Codec[];
  readonly repeated: readonly Codec[];
  readonly ending: readonly Codec[];
  readonly callsBack: boolean;
  readonly result: (call: Call) => unknown;
}

function partsOf(definition: Definition): Parts {
  const { name, returns, failure } = definition;
  const args = returns.codec === undefined ? definition.args : [...definition.args, returns.codec];
  return {
    outcome: outcomeOf(name, returns, failure),
    inputs: args.filter((codec) => codec.input),
    outputs: args.filter((codec) => !codec.input),
    repeated: args.filter((codec) => codec.again),
    ending: args.filter((codec) => codec.end),
    callsBack: args.some((codec) => codec.callsBack),
    result: resultOf(definition),
  };
}

/** What the call is worth: the returned value, or the one thing that an argument gives, or all of them by their names. */
function resultOf({ args, returns, resultName = 'result' }: Definition): (call: Call) => unknown {
  const { convert, data, mayFindNothing } = returns;
  const results = args.filter((codec) => codec.take);
  const [first, second] = results;
  if (first === undefined) return (call) => convert(call.result, call);
  const found = (call: Call): boolean => mayFindNothing !== true || call.result !== 0;
  if (second === undefined && !data) return (call) => (found(call) ? first.take?.(call) : null);
  return (call) => {
    if (!found(call)) return null;
    const result: Record<string, unknown> = {};
    if (data) result[resultName] = convert(call.result, call);
    for (const codec of results) result[codec.name] = codec.take?.(call);
    return result;
  };
}

export class Marshalling {
  readonly #definition: Definition;
  #raw: RawFunction | undefined;
  #made: Parts | undefined;

  constructor(definition: Definition) {
    this.#definition = definition;
  }

  // Most of the functions are never called.
  get #parts(): Parts {
    this.#made ??= partsOf(this.#definition);
    return this.#made;
  }

  /** The function as it is called on this thread. */
  sync(): Any {
    return shortWay(this.#definition) ?? ((...values) => this.#sync(values));
  }

  #sync(values: readonly unknown[]): unknown {
    const parts = this.#parts;
    const call = new Call(this.#definition.name);
    let succeeded = false;
    try {
      put(parts, call, values);
      do {
        beforeCall?.();
        const error = parts.callsBack ? this.#here(call) : this.#byKoffi(call);
        if (parts.outcome.fails(call.result)) parts.outcome.judge(error ?? native().lastError());
      } while (isIncomplete(parts, call));
      succeeded = true;
      return parts.result(call);
    } finally {
      this.#end(call, succeeded);
    }
  }

  #byKoffi(call: Call): null {
    this.#raw ??= bind(this.#definition.prototype);
    call.result = this.#raw(...call.c);
    return null;
  }

  #here(call: Call): NativeError | null {
    const [result, error] = attached().callHere(this.#definition.id, call.c);
    call.result = result;
    return error;
  }

  async async(values: readonly unknown[]): Promise<unknown> {
    const parts = this.#parts;
    const call = new Call(this.#definition.name);
    let succeeded = false;
    try {
      put(parts, call, values);
      do {
        beforeCall?.();
        const error = await this.#elsewhere(call);
        if (parts.outcome.fails(call.result)) parts.outcome.judge(error);
      } while (isIncomplete(parts, call));
      succeeded = true;
      return parts.result(call);
    } finally {
      this.#end(call, succeeded);
    }
  }

  // Resolves with libvirt's error: thrown behind the `await`, it has the caller in its stack.
  #elsewhere(call: Call): Promise<NativeError | null> {
    const { id, order } = this.#definition;
    const object = order === undefined ? null : call.c[order];
    return new Promise((resolve) => {
      attached().callAsync(id, call.c, typeof object === 'bigint' ? object : null, (result, error) => {
        call.result = result;
        resolve(error);
      });
    });
  }

  // A handler in JavaScript may have thrown: its error comes out here, when all is released.
  #end(call: Call, succeeded: boolean): void {
    if (succeeded) this.#definition.returns.release?.(call.result);
    let thrown: { readonly error: unknown } | undefined;
    const { ending } = this.#parts;
    for (let i = 0; i < ending.length; i += 1) {
      try {
        ending[i]?.end?.(call, succeeded);
      } catch (error) {
        thrown ??= { error };
      }
    }
    if (thrown !== undefined) throw thrown.error;
  }
}

// Outputs come last: their size may be one of the inputs.
function put({ inputs, outputs }: Parts, call: Call, values: readonly unknown[]): void {
  for (let i = 0; i < inputs.length; i += 1) inputs[i]?.put(call, values[i]);
  for (let i = 0; i < outputs.length; i += 1) outputs[i]?.put(call, undefined);
}

function isIncomplete({ repeated }: Parts, call: Call): boolean {
  return repeated.length > 0 && repeated.some((codec) => codec.again?.(call));
}
