/** Calls a C function with JavaScript values: on this thread, or on one of the addon's. */
import { native } from '../native.js';
import { beforeCall } from './before_call.js';
import { Call, type Check, type Codec } from './codec.js';
import type { Definition } from './define.js';
import { attached, bind, type RawFunction } from './library.js';
import { type Outcome, outcomeOf } from './outcome.js';
import type { RawResult } from './values.js';

type Any = (...values: unknown[]) => unknown;

export class Marshalling {
  readonly #definition: Definition;
  readonly #outcome: Outcome;
  readonly #inputs: readonly Codec[];
  readonly #outputs: readonly Codec[];
  readonly #results: readonly Codec[];
  readonly #repeated: readonly Codec[];
  readonly #ending: readonly Codec[];
  #raw: RawFunction;

  constructor(definition: Definition) {
    const { args, name, returns, failure } = definition;
    this.#definition = definition;
    this.#outcome = outcomeOf(name, returns, failure);
    this.#inputs = args.filter((codec) => codec.input);
    this.#outputs = args.filter((codec) => !codec.input);
    this.#results = args.filter((codec) => codec.take);
    this.#repeated = args.filter((codec) => codec.again);
    this.#ending = args.filter((codec) => codec.end);
    this.#raw = lazily(definition.prototype, (raw) => {
      this.#raw = raw;
    });
  }

  /** The function as it is called on this thread. */
  sync(): Any {
    const { name, prototype, returns } = this.#definition;
    const checks = shortWay(this.#definition.args);
    if (checks !== undefined) return shortCall(name, prototype, checks, this.#outcome, returns.convert);
    return (...values) => this.#sync(values);
  }

  #sync(values: readonly unknown[]): unknown {
    const call = new Call(this.#definition.name);
    let succeeded = false;
    try {
      this.#put(call, values);
      do {
        beforeCall?.();
        call.result = this.#raw(...call.c);
        if (this.#outcome.fails(call.result)) this.#outcome.judge(native().lastError());
      } while (this.#again(call));
      succeeded = true;
      return this.#result(call);
    } finally {
      this.#end(call, succeeded);
    }
  }

  async async(values: readonly unknown[]): Promise<unknown> {
    const call = new Call(this.#definition.name);
    let succeeded = false;
    try {
      this.#put(call, values);
      do {
        beforeCall?.();
        await this.#elsewhere(call);
      } while (this.#again(call));
      succeeded = true;
      return this.#result(call);
    } finally {
      this.#end(call, succeeded);
    }
  }

  #elsewhere(call: Call): Promise<void> {
    const { id, order } = this.#definition;
    const object = order === undefined ? null : call.c[order];
    return new Promise((resolve, reject) => {
      attached().callAsync(id, call.c, typeof object === 'bigint' ? object : null, (result, error) => {
        call.result = result;
        try {
          if (this.#outcome.fails(result)) this.#outcome.judge(error);
          resolve();
        } catch (failed) {
          reject(failed);
        }
      });
    });
  }

  // Outputs come last: their size may be one of the inputs.
  #put(call: Call, values: readonly unknown[]): void {
    for (let i = 0; i < this.#inputs.length; i += 1) this.#inputs[i]?.put(call, values[i]);
    for (const codec of this.#outputs) codec.put(call, undefined);
  }

  #again(call: Call): boolean {
    return this.#repeated.some((codec) => codec.again?.(call));
  }

  // A handler in JavaScript may have thrown: its error comes out here, when all is released.
  #end(call: Call, succeeded: boolean): void {
    if (succeeded) this.#definition.returns.release?.(call.result);
    let thrown: { readonly error: unknown } | undefined;
    for (const codec of this.#ending) {
      try {
        codec.end?.(call, succeeded);
      } catch (error) {
        thrown ??= { error };
      }
    }
    if (thrown !== undefined) throw thrown.error;
  }

  #result(call: Call): unknown {
    const { returns, resultName } = this.#definition;
    const [first, second] = this.#results;
    if (first === undefined) return returns.convert(call.result, call);
    if (returns.mayFindNothing && call.result === 0) return null;
    if (second === undefined && !returns.data) return first.take?.(call);
    const result: Record<string, unknown> = {};
    if (returns.data) result[resultName ?? 'result'] = returns.convert(call.result, call);
    for (const codec of this.#results) result[codec.name] = codec.take?.(call);
    return result;
  }
}

/** The checks of a function whose arguments are all passed by value, in their order; undefined for other functions. */
function shortWay(codecs: readonly Codec[]): readonly Check[] | undefined {
  const checks = codecs.flatMap((codec, i) => (codec.direct?.index === i ? [codec.direct.check] : []));
  return checks.length === codecs.length ? checks : undefined;
}

/** Binds at the first call. */
function lazily(prototype: string, bound: (raw: RawFunction) => void): RawFunction {
  return (...args) => {
    const raw = bind(prototype);
    bound(raw);
    return raw(...args);
  };
}

/** Most calls are of this kind; no array is made for them. */
function shortCall(
  name: string,
  prototype: string,
  checks: readonly Check[],
  { fails, judge }: Outcome,
  convert: (result: RawResult) => unknown,
): Any {
  let raw = lazily(prototype, (bound) => {
    raw = bound;
  });
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
