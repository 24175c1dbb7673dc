/** Events as an EventEmitter: libvirt is asked for those that somebody listens to. */
import { EventEmitter } from 'node:events';
import type { Receiver, Registration } from './subscription.js';

/** What listeners are given, by the event's name. */
export type WatcherEvents<Events> = Events & {
  /** An event cannot be had, or the connection was lost. Without a listener it is an uncaught exception. */
  readonly error: Error;
};

type Names<Events> = keyof WatcherEvents<Events> & string;
type Listener<Events, Name extends Names<Events>> = (event: WatcherEvents<Events>[Name]) => void;

/**
 * Listens for the events of one kind of object. The first listener of an event registers it with libvirt, the last one
 * that goes ends that; until then the process is kept alive. What an event is about belongs to its listeners.
 */
export class EventWatcher<Events extends object> extends EventEmitter implements AsyncDisposable {
  readonly #names: readonly string[];
  readonly #register: (name: string, receiver: Receiver<unknown>) => Registration;
  readonly #registrations = new Map<string, Registration>();
  /** Of which nobody wants to know any more, until libvirt has let go of them. */
  readonly #ending = new Set<Promise<void>>();
  #keepsAlive = true;

  constructor(names: readonly string[], register: (name: string, receiver: Receiver<unknown>) => Registration) {
    super();
    this.#names = names;
    this.#register = register;
    super.on('newListener', (name: string) => this.#begin(name));
    super.on('removeListener', (name: string) => this.#endWithout(name));
  }

  override on<Name extends Names<Events>>(name: Name, listener: Listener<Events, Name>): this {
    return super.on(name, listener);
  }

  override once<Name extends Names<Events>>(name: Name, listener: Listener<Events, Name>): this {
    return super.once(name, listener);
  }

  override off<Name extends Names<Events>>(name: Name, listener: Listener<Events, Name>): this {
    return super.off(name, listener);
  }

  /** Resolves when libvirt has taken the registrations of all present listeners; rejects where it refuses one. */
  async ready(): Promise<this> {
    await Promise.all([...this.#registrations.values()].map((each) => each.registered()));
    return this;
  }

  /** Removes all listeners. Resolves when libvirt calls no more. */
  async close(): Promise<void> {
    const ends = [...this.#registrations.values()].map((each) => each.end());
    this.removeAllListeners();
    await Promise.all([...ends, ...this.#ending]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  ref(): this {
    return this.#keep(true);
  }

  /** Lets the process end although there are listeners. */
  unref(): this {
    return this.#keep(false);
  }

  override removeAllListeners(name?: string | symbol): this {
    for (const each of name === undefined ? [...this.#names, 'error'] : [name]) super.removeAllListeners(each);
    return this;
  }

  #begin(name: string): void {
    if (!this.#names.includes(name) || this.#registrations.has(name)) return;
    const registration = this.#register(name, {
      receive: (event) => this.emit(name, event),
      fail: (error) => {
        this.#registrations.delete(name);
        this.emit('error', error);
      },
      finish: () => this.#registrations.delete(name),
    });
    this.#registrations.set(name, registration);
    registration.registered().catch(() => undefined);
    if (!this.#keepsAlive) registration.unref();
  }

  #endWithout(name: string): void {
    if (this.listenerCount(name) > 0) return;
    const registration = this.#registrations.get(name);
    if (registration === undefined) return;
    this.#registrations.delete(name);
    const ending = registration.end().catch(() => undefined);
    this.#ending.add(ending);
    ending.then(() => this.#ending.delete(ending));
  }

  #keep(alive: boolean): this {
    this.#keepsAlive = alive;
    for (const each of this.#registrations.values()) alive ? each.ref() : each.unref();
    return this;
  }
}
