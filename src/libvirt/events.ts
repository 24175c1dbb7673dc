/** What a connection offers of events. */
import type { Connection } from './classes.js';
import { CloseWatch, reasonName } from './close_watch.js';
import { type EventSource, eventSource, type MonitorOptions, monitorSource } from './event_sources.js';
import { type EventOptions, EventStream } from './event_stream.js';
import type {
  ConnectionCloseEvent,
  ConnectionEvents,
  EventKind,
  EventSubjects,
  EventsOf,
  QemuMonitorEvent,
} from './event_types.js';
import { eventIds } from './event_types.js';
import { EventWatcher } from './event_watcher.js';
import { begins, ends, type Receiver, type Registration, Subscription } from './subscription.js';

/** Events of one object alone: `{ domain }` and its like. */
export type EventSubject<Kind extends EventKind> = Partial<EventSubjects[Kind]>;

export type EventStreamOptions<Kind extends EventKind> = EventOptions & EventSubject<Kind>;

/** What can be watched, and the events that there are. */
export type WatchedEvents<Kind extends EventKind | 'connection'> = Kind extends EventKind
  ? EventsOf<Kind>
  : ConnectionEvents;

export type WatchOptions<Kind extends EventKind | 'connection'> = Kind extends EventKind ? EventSubject<Kind> : object;

/** The event `name` of a kind of object. */
export function openEvents<Kind extends EventKind, Name extends keyof EventsOf<Kind>>(
  connection: Connection,
  kind: Kind,
  name: Name,
  options: EventStreamOptions<Kind>,
): EventStream<EventsOf<Kind>[Name]> {
  return streamOf(connection, eventSource(kind, name, connection, options as Record<string, unknown>), options);
}

/** What qemu says on its monitor. */
export function openMonitor(
  connection: Connection,
  options: EventOptions & MonitorOptions & EventSubject<'domain'>,
): EventStream<QemuMonitorEvent> {
  return streamOf(connection, monitorSource(connection, { ...options }), options);
}

/** One event, when the connection is lost; then the stream ends. */
export function openClose(connection: Connection, options: EventOptions): EventStream<ConnectionCloseEvent> {
  return new EventStream(
    (receiver) => new CloseSubscription(connection, receiver),
    () => undefined,
    options,
  );
}

/** The events of a kind of object for listeners. */
export function watch<Kind extends EventKind | 'connection'>(
  connection: Connection,
  kind: Kind,
  options?: WatchOptions<Kind>,
): EventWatcher<WatchedEvents<Kind>> {
  if (kind === 'connection') {
    return new EventWatcher(['close'], (_, receiver) => new CloseSubscription(connection, receiver));
  }
  const watched: EventKind = kind;
  return new EventWatcher(Object.keys(eventIds[watched]), (name, receiver) => {
    const source = eventSource(watched, name as 'lifecycle', connection, { ...options });
    return new Subscription<unknown>(connection, source as EventSource<unknown>, receiver);
  });
}

function streamOf<Event>(
  connection: Connection,
  source: EventSource<Event>,
  options: EventOptions,
): EventStream<Event> {
  return new EventStream(
    (receiver) => new Subscription(connection, source, receiver),
    (event) => source.discard(event),
    options,
  );
}

class CloseSubscription implements Registration {
  readonly #connection: Connection;
  readonly #receiver: Receiver<ConnectionCloseEvent>;
  readonly #watch: CloseWatch;

  constructor(connection: Connection, receiver: Receiver<ConnectionCloseEvent>) {
    this.#connection = connection;
    this.#receiver = receiver;
    this.#watch = new CloseWatch(connection, (reason) => this.#tell(reason));
    this.#watch.ref();
    this.#watch.registered().catch((error: Error) => receiver.fail(error));
    begins(connection, this);
  }

  registered(): Promise<void> {
    return this.#watch.registered();
  }

  end(): Promise<void> {
    ends(this.#connection, this);
    return this.#watch.end();
  }

  ref(): void {
    this.#watch.ref();
  }

  unref(): void {
    this.#watch.unref();
  }

  connectionCloses(): void {
    this.end().catch(() => undefined);
    this.#receiver.finish();
  }

  // There is nothing after it.
  #tell(reason: number): void {
    this.#receiver.receive({ reason, reasonName: reasonName(reason) });
    this.connectionCloses();
  }
}
