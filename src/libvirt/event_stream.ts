/** Events as an iterator: kept until they are read, in the order in which they came. */
import { VirtshimError } from '../errors.js';
import type { Receiver, Registration } from './subscription.js';

export interface EventOptions {
  /** Ends the stream: next() rejects with the signal's reason, as Node's own iterators do. */
  readonly signal?: AbortSignal | undefined;
  /** How many unread events are kept: 10,000 unless told. With one more the stream fails, and says so. */
  readonly limit?: number | undefined;
}

interface Reader<Event> {
  readonly resolve: (result: IteratorResult<Event, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const defaultLimit = 10_000;

/**
 * Events of one sort, from the moment that ready() resolves until the stream ends: by `break` out of its loop, by
 * return(), by its signal, or with its connection. Until then it keeps the process alive.
 *
 * No event is dropped without a word. Where more are unread than the limit permits, the stream gives those that it has,
 * and then throws VIRTSHIM_SLOW_READER; where the connection was lost, VIRTSHIM_DISCONNECTED.
 */
export class EventStream<Event> implements AsyncIterableIterator<Event, undefined, void>, AsyncDisposable {
  readonly #limit: number;
  readonly #registration: Registration | undefined;
  readonly #discard: (event: Event) => void;
  readonly #unread: Event[] = [];
  readonly #readers: Reader<Event>[] = [];
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #stopListening: (() => void) | undefined;

  /** `register` begins to call the receiver. */
  constructor(
    register: (receiver: Receiver<Event>) => Registration,
    discard: (event: Event) => void,
    { signal, limit = defaultLimit }: EventOptions = {},
  ) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new VirtshimError('VIRTSHIM_ARGUMENT', `\`limit\` must be a whole number above 0, not \`${limit}\``);
    }
    this.#limit = limit;
    this.#discard = discard;
    if (signal?.aborted) this.#fail(signal.reason);
    else this.#registration = register(this.#receiver());
    if (signal && !this.#ended) this.#endBy(signal);
  }

  /** Resolves when libvirt has taken the registration: no event from then on is missed. Rejects where it refuses. */
  async ready(): Promise<this> {
    if (this.#registration === undefined) throw this.#failure?.error;
    await this.#registration.registered();
    return this;
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#unread.length > 0) return Promise.resolve({ done: false, value: this.#unread.shift() as Event });
    if (this.#failure) return this.#throwOnce(this.#failure.error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  /** Ends the stream. Resolves when libvirt has let go of it; rejects where libvirt refuses that. */
  async return(): Promise<IteratorResult<Event, undefined>> {
    const failed = this.#failure !== undefined;
    this.#forgetUnread();
    this.#failure = undefined;
    this.#finish();
    const end = this.#registration?.end();
    await (failed ? end?.catch(() => undefined) : end);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Keeps the process alive, as it does unless told otherwise. */
  ref(): this {
    if (!this.#ended) this.#registration?.ref();
    return this;
  }

  /** Lets the process end although the stream is open. */
  unref(): this {
    if (!this.#ended) this.#registration?.unref();
    return this;
  }

  #receiver(): Receiver<Event> {
    return {
      receive: (event) => this.#receive(event),
      fail: (error) => this.#fail(error),
      finish: () => this.#finish(),
    };
  }

  #receive(event: Event): void {
    const reader = this.#readers.shift();
    if (this.#ended) this.#discard(event);
    else if (reader) reader.resolve({ done: false, value: event });
    else if (this.#unread.length < this.#limit) this.#unread.push(event);
    else this.#overflow(event);
  }

  #overflow(event: Event): void {
    this.#discard(event);
    this.#fail(
      new VirtshimError('VIRTSHIM_SLOW_READER', `more than ${this.#limit} events were unread: later ones are missing`, {
        hint: 'read faster, or allow more by `limit`',
      }),
    );
  }

  #endBy(signal: AbortSignal): void {
    const abort = (): void => {
      this.#forgetUnread();
      this.#fail(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', abort);
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    const [first, ...others] = this.#readers.splice(0);
    this.#readers.push(...others);
    if (first) first.reject(error);
    else this.#failure = { error };
    this.#finish();
    this.#registration?.end().catch(() => undefined);
  }

  #finish(): void {
    this.#ended = true;
    this.#stopListening?.();
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  #throwOnce(error: unknown): Promise<never> {
    this.#failure = undefined;
    return Promise.reject(error);
  }

  #forgetUnread(): void {
    for (const event of this.#unread.splice(0)) this.#discard(event);
  }
}
