/** What all classes have in common: one reference to one of libvirt's objects, released exactly once. */
import { type InspectOptions, inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { VirtshimError } from '../errors.js';
import type { Pointer } from '../ffi/values.js';

/** The function of libvirt that gives a reference back. */
export interface Release<Kind extends string> {
  (pointer: Pointer<Kind>): unknown;
  async(pointer: Pointer<Kind>): Promise<unknown>;
}

interface Reference {
  readonly pointer: Pointer<string>;
  readonly release: Release<string>;
  /** How many calls are in flight that need it. */
  calls: number;
}

function giveBack({ pointer, release }: Reference): Promise<unknown> {
  return release.async(pointer);
}

// On the worker pool: giving back the last reference of a connection may talk to a daemon. Nobody is left to be told
// of a failure.
const dropped = new FinalizationRegistry<Reference>((reference) => {
  held?.delete(reference);
  giveBack(reference).catch(() => {});
});

// A worker thread that ends leaves the process running: what it still holds is given back, unless a call needs it.
const held: Set<Reference> | undefined = isMainThread ? undefined : new Set();
if (held) process.once('exit', () => giveBackAll(held));

function giveBackAll(references: Iterable<Reference>): void {
  for (const { pointer, release, calls } of references) {
    try {
      if (calls === 0) release(pointer);
    } catch {
      // Nobody is left to be told.
    }
  }
}

/** Counts a call that has just been started, so that the object outlives it. */
export let callBegins: (object: LibvirtObject<string>) => void;
/** The call is over: where it was the last one of an object that was freed meanwhile, its reference is given back. */
export let callEnds: (object: LibvirtObject<string>) => void;

/** `object` outlives the call. */
export async function during<T>(object: LibvirtObject<string>, call: Promise<T>): Promise<T> {
  callBegins(object);
  try {
    return await call;
  } finally {
    callEnds(object);
  }
}

/**
 * A handle of libvirt. `free()`, `using` and `await using` give it back; what is forgotten is given back some time
 * after it became garbage. libvirt counts references itself, so objects outlive the connection they came from.
 */
export abstract class LibvirtObject<Kind extends string> implements Disposable, AsyncDisposable {
  #pointer: Pointer<Kind> | undefined;
  readonly #reference: Reference;
  #whenIdle: (() => void) | undefined;
  #end: Promise<void> | undefined;

  static {
    callBegins = (object) => {
      object.#reference.calls++;
    };
    callEnds = (object) => {
      if (--object.#reference.calls === 0) object.#whenIdle?.();
    };
  }

  /** Takes over one reference to what `pointer` points to; `release` will give it back. */
  protected constructor(pointer: Pointer<Kind>, release: Release<Kind>) {
    this.#pointer = pointer;
    this.#reference = { pointer, release: release as Release<string>, calls: 0 };
    held?.add(this.#reference);
    dropped.register(this, this.#reference, this);
  }

  /**
   * The address for functions of `virtshim/ffi`, valid while this object is reachable and not freed. Throws
   * VIRTSHIM_CLOSED after that.
   */
  get pointer(): Pointer<Kind> {
    return this.#pointer ?? this.#refuse();
  }

  /** Whether it was freed: then every call on it throws VIRTSHIM_CLOSED. */
  get freed(): boolean {
    return this.#pointer === undefined;
  }

  /**
   * Gives the reference back, after the calls that are in flight; new ones are refused from now on. Doing it again
   * changes nothing. What the object stands for (a guest, a network) is not touched.
   */
  free(): Promise<void> {
    this.#end ??= this.freed ? Promise.resolve() : this.#finish();
    return this.#end;
  }

  /** `free()` at once. Where calls are in flight the last of them gives the reference back. */
  freeSync(): void {
    if (this.freed) return;
    if (this.#reference.calls > 0) {
      this.free().catch(() => {});
    } else {
      this.#close();
      this.#reference.release(this.#reference.pointer);
    }
  }

  [Symbol.dispose](): void {
    this.freeSync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.free();
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `${this.constructor.name} ${this.freed ? '(freed)' : inspect(this.#labelIfAny(), options)}`;
  }

  /** What tells this object from others; found without asking a daemon. */
  protected abstract label(): string;

  #labelIfAny(): string {
    try {
      return this.label();
    } catch {
      return '?';
    }
  }

  #close(): void {
    this.#pointer = undefined;
    dropped.unregister(this);
    held?.delete(this.#reference);
  }

  async #finish(): Promise<void> {
    this.#close();
    if (this.#reference.calls > 0) await this.#idle();
    await giveBack(this.#reference);
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  #refuse(): never {
    throw new VirtshimError('VIRTSHIM_CLOSED', `this ${this.constructor.name} was freed`, {
      hint: 'call it before `free()`, or inside the block that `using` ends',
    });
  }
}
