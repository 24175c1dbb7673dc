/** Functions in JavaScript that libvirt asks something of, and waits for their answer. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { VirtshimError } from '../errors.js';
import { type RequestName, requestTypes } from '../generated/ffi/callbacks.js';
import type { Call, Codec } from './codec.js';
import { attached } from './library.js';
import { wrongArgument } from './problems.js';

type Handler = (...values: unknown[]) => unknown;

/** What a handler of each type returns becomes what the addon hands to libvirt. */
type Answer = (result: unknown, values: readonly unknown[]) => unknown;

const failure = null;

/**
 * The handlers of one call, which share its pointer. They run on this JavaScript thread, also where another thread makes
 * the call; only then may they return promises.
 */
export class Handlers {
  readonly opaque: bigint;
  readonly #functionName: string;
  readonly #handlers = new Map<number, { readonly handler: Handler; readonly answer: Answer }>();
  #thrown: { readonly error: unknown } | undefined;

  constructor(functionName: string) {
    this.#functionName = functionName;
    const inThisContext = AsyncLocalStorage.snapshot();
    const ask = (request: number, now: boolean, type: number, ...values: unknown[]): void => {
      inThisContext(() => this.#ask(request, now, type, values));
    };
    this.opaque = attached().callback(requestTypes.virStreamSinkFunc, ask).opaque;
  }

  /** Returns the C function. */
  add(name: RequestName, handler: Handler, answer: Answer): bigint {
    this.#handlers.set(requestTypes[name], { handler, answer });
    return attached().callbackPointer(requestTypes[name]);
  }

  /** After the call. Throws what a handler has thrown, in the place of the error that libvirt made of it. */
  end(): void {
    attached().dropCallback(this.opaque);
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
  }

  #ask(request: number, now: boolean, type: number, values: readonly unknown[]): void {
    const asked = this.#handlers.get(type);
    const reply = (result: unknown): void => {
      attached().answer(request, asked?.answer(result, values) ?? failure);
    };
    const fail = (error: unknown): void => {
      this.#thrown ??= { error };
      attached().answer(request, failure);
    };
    try {
      const result = asked?.handler(...values);
      if (!(result instanceof Promise)) reply(result);
      else if (now) fail(this.#tooLate(result));
      else result.then(reply).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #tooLate(promise: Promise<unknown>): VirtshimError {
    promise.catch(() => undefined);
    return new VirtshimError('VIRTSHIM_ARGUMENT', `a handler of ${this.#functionName} must not return a promise`, {
      hint: `libvirt waits for it on this thread: call ${this.#functionName}.async`,
    });
  }
}

/** One of a call's handlers; all of them name the same `opaqueIndex`. */
export function handler(name: string, type: RequestName, answer: Answer, index: number, opaqueIndex: number): Codec {
  const put = (call: Call, value: unknown): void => {
    if (typeof value !== 'function') wrongArgument(call.functionName, name, 'a function', value);
    const handlers = (call.notes[opaqueIndex] as Handlers | undefined) ?? new Handlers(call.functionName);
    call.notes[opaqueIndex] = handlers;
    call.c[index] = handlers.add(type, value as Handler, answer);
    call.c[opaqueIndex] = handlers.opaque;
  };
  const end = (call: Call): void => {
    const handlers = call.notes[opaqueIndex] as Handlers | undefined;
    call.notes[opaqueIndex] = undefined;
    handlers?.end();
  };
  return { name, input: true, callsBack: true, put, end };
}
