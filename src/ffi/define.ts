/** Makes a JavaScript function of a C function. Nothing is looked up before its first call. */
import { isAvailable } from './available.js';
import type { Codec } from './codec.js';
import { Marshalling } from './marshalling.js';
import type { Failure, Returns } from './returns.js';

export interface Definition {
  /** The function's place among all, by which the addon knows it. */
  readonly id: number;
  readonly name: string;
  readonly library: string;
  readonly since: string;
  readonly prototype: string;
  /** In the order of the JavaScript arguments. */
  readonly args: readonly Codec[];
  readonly returns: Returns;
  /** Where the failure is not what `returns` takes for one. */
  readonly failure?: Failure;
  /** C index of the object whose asynchronous calls are made one after the other. */
  readonly order?: number;
  /** What the returned value is called where other results stand beside it. */
  readonly resultName?: string;
}

/** A function of libvirt: called as it is, it blocks until libvirt answers; `async` leaves that to another thread. */
export type LibvirtFunction<F extends (...args: never[]) => unknown> = F & {
  readonly async: (...args: Parameters<F>) => Promise<ReturnType<F>>;
  /** Whether the installed libvirt is new enough to have the function. */
  readonly available: boolean;
};

/** The call itself, without what every function of libvirt has besides. */
export type FunctionOf<T> = T extends LibvirtFunction<infer F> ? F : never;

/** `F` is the function's type in JavaScript, which the definition's codecs must match. */
export function define<F extends (...args: never[]) => unknown>(definition: Definition): LibvirtFunction<F> {
  const marshalling = new Marshalling(definition);
  const made: object = Object.defineProperties(marshalling.sync(), {
    name: { value: definition.name },
    async: { value: (...values: unknown[]) => marshalling.async(values) },
    available: { get: () => isAvailable(definition.since) },
  });
  return made as LibvirtFunction<F>;
}
