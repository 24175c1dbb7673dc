/** One registration with libvirt: from being asked for until libvirt has let go of it. */
import { refListener, unrefListener } from '../ffi/callbacks.js';
import type { Connection } from './classes.js';
import { CloseWatch, lost } from './close_watch.js';
import type { EventSource, RawListener } from './event_sources.js';
import { during } from './object.js';

/** Who gets the events. */
export interface Receiver<Event> {
  receive(event: Event): void;
  /** No event will come any more: the registration failed, or the connection was lost. */
  fail(error: Error): void;
  /** No event will come any more: the program has closed the connection. */
  finish(): void;
}

/** What ends when its connection is closed. */
export interface Living {
  connectionCloses(): void;
}

const living = new WeakMap<Connection, Set<Living>>();

/** For a connection that is about to be closed: libvirt would keep it open for the sake of its registrations. */
export function endSubscriptions(connection: Connection): void {
  for (const each of [...(living.get(connection) ?? [])]) each.connectionCloses();
}

export function begins(connection: Connection, each: Living): void {
  const others = living.get(connection) ?? new Set();
  living.set(connection, others.add(each));
}

export function ends(connection: Connection, each: Living): void {
  living.get(connection)?.delete(each);
}

/** What an owner of a registration may do with it. */
export interface Registration {
  /** Resolves when libvirt has taken the registration; rejects with its error. */
  registered(): Promise<void>;
  /** Resolves when libvirt calls no more; rejects where it does not let go. Again it is the same. */
  end(): Promise<void>;
  ref(): void;
  unref(): void;
}

export class Subscription<Event> implements Registration, Living {
  readonly #connection: Connection;
  readonly #source: EventSource<Event>;
  readonly #receiver: Receiver<Event>;
  readonly #listener: RawListener;
  readonly #registration: Promise<number>;
  readonly #loss: CloseWatch;
  #end: Promise<void> | undefined;

  /** Throws VIRTSHIM_CLOSED where the connection was closed. */
  constructor(connection: Connection, source: EventSource<Event>, receiver: Receiver<Event>) {
    this.#connection = connection;
    this.#source = source;
    this.#receiver = receiver;
    this.#listener = (...values) => this.#receive(source.make(values));
    this.#registration = during(connection, source.add(connection.pointer, this.#listener));
    this.#registration.catch((error: Error) => this.#fail(error));
    this.#loss = new CloseWatch(connection, (reason) => this.#fail(lost(reason)));
    begins(connection, this);
  }

  async registered(): Promise<void> {
    await this.#registration;
  }

  end(): Promise<void> {
    this.#end ??= this.#deregister();
    return this.#end;
  }

  connectionCloses(): void {
    this.end().catch(() => undefined);
    this.#receiver.finish();
  }

  ref(): void {
    refListener(this.#listener);
  }

  unref(): void {
    unrefListener(this.#listener);
  }

  #receive(event: Event): void {
    if (this.#end) this.#source.discard(event);
    else this.#receiver.receive(event);
  }

  #fail(error: Error): void {
    if (this.#end) return;
    this.end().catch(() => undefined);
    this.#receiver.fail(error);
  }

  async #deregister(): Promise<void> {
    ends(this.#connection, this);
    this.unref();
    const { pointer } = this.#connection;
    const removed = this.#registration.then(
      (id) => this.#source.remove(pointer, id, this.#listener),
      () => undefined,
    );
    await during(this.#connection, Promise.all([removed, this.#loss.end()]));
  }
}
