import { startEventLoop } from '../ffi/event_loop.js';
import * as ffi from '../ffi/index.js';
import { ConnectionMethods } from '../generated/classes/connection.js';
import type { virConnectPtr } from '../generated/ffi/types.js';
import { type AuthOptions, type AuthOptionsSync, authOf } from './auth.js';
import type { MonitorOptions } from './event_sources.js';
import type { EventOptions, EventStream } from './event_stream.js';
import type {
  ConnectionCloseEvent,
  DomainEvents,
  EventKind,
  NetworkEvents,
  NodeDeviceEvents,
  QemuMonitorEvent,
  SecretEvents,
  StoragePoolEvents,
} from './event_types.js';
import type { EventWatcher } from './event_watcher.js';
import * as events from './events.js';
import { claimFamily } from './families.js';
import { endSubscriptions } from './subscription.js';

/**
 * A connection to a hypervisor: where everything begins. libvirt's event loop is started before the first one is opened:
 * events and the keep-alive of remote connections depend on it.
 */
export class Connection extends ConnectionMethods {
  readonly #opened: string;

  /** Takes over the caller's reference. `name` is what it was opened by; it stands for the connection in listings. */
  constructor(pointer: virConnectPtr, name?: string | null) {
    super(pointer);
    this.#opened = name ?? '';
  }

  /** `virConnectOpen`, since libvirt 0.0.3. Without a name libvirt chooses. */
  static async open(name?: string | null): Promise<Connection> {
    prepare();
    return new Connection(await ffi.virConnectOpen.async(name), name);
  }

  /** `virConnectOpen` while the thread waits. */
  static openSync(name?: string | null): Connection {
    prepare();
    return new Connection(ffi.virConnectOpen(name), name);
  }

  /** `virConnectOpenReadOnly`, since libvirt 0.0.3: libvirt refuses what changes anything. */
  static async openReadOnly(name?: string | null): Promise<Connection> {
    prepare();
    return new Connection(await ffi.virConnectOpenReadOnly.async(name), name);
  }

  /** `virConnectOpenReadOnly` while the thread waits. */
  static openReadOnlySync(name?: string | null): Connection {
    prepare();
    return new Connection(ffi.virConnectOpenReadOnly(name), name);
  }

  /** `virConnectOpenAuth`, since libvirt 0.4.0: libvirt asks for names and passwords. */
  static async openAuth(name: string | null | undefined, options: AuthOptions): Promise<Connection> {
    prepare();
    return new Connection(await ffi.virConnectOpenAuth.async(name, authOf(options), options.flags), name);
  }

  /** `virConnectOpenAuth` while the thread waits: the answers have to come at once. */
  static openAuthSync(name: string | null | undefined, options: AuthOptionsSync): Connection {
    prepare();
    return new Connection(ffi.virConnectOpenAuth(name, authOf(options), options.flags), name);
  }

  /** Ends what listens for events, which libvirt would keep the connection open for; then as every object. */
  override free(): Promise<void> {
    endSubscriptions(this);
    return super.free();
  }

  override freeSync(): void {
    endSubscriptions(this);
    super.freeSync();
  }

  /** `free()` by libvirt's name: closes the connection, unless objects that came from it still need it. */
  close(): Promise<void> {
    return this.free();
  }

  /** `freeSync()` by libvirt's name. */
  closeSync(): void {
    this.freeSync();
  }

  /** The events of that name of all guests, or of one. See EventStream for what becomes of unread ones. */
  domainEvents<Name extends keyof DomainEvents>(
    name: Name,
    options: events.EventStreamOptions<'domain'> = {},
  ): EventStream<DomainEvents[Name]> {
    return events.openEvents(this, 'domain', name, options);
  }

  networkEvents<Name extends keyof NetworkEvents>(
    name: Name,
    options: events.EventStreamOptions<'network'> = {},
  ): EventStream<NetworkEvents[Name]> {
    return events.openEvents(this, 'network', name, options);
  }

  storagePoolEvents<Name extends keyof StoragePoolEvents>(
    name: Name,
    options: events.EventStreamOptions<'storagePool'> = {},
  ): EventStream<StoragePoolEvents[Name]> {
    return events.openEvents(this, 'storagePool', name, options);
  }

  nodeDeviceEvents<Name extends keyof NodeDeviceEvents>(
    name: Name,
    options: events.EventStreamOptions<'nodeDevice'> = {},
  ): EventStream<NodeDeviceEvents[Name]> {
    return events.openEvents(this, 'nodeDevice', name, options);
  }

  secretEvents<Name extends keyof SecretEvents>(
    name: Name,
    options: events.EventStreamOptions<'secret'> = {},
  ): EventStream<SecretEvents[Name]> {
    return events.openEvents(this, 'secret', name, options);
  }

  /** What qemu says on the monitor of one guest or of all. libvirt marks a guest as tainted by some uses of it. */
  qemuMonitorEvents(
    options: EventOptions & MonitorOptions & events.EventSubject<'domain'> = {},
  ): EventStream<QemuMonitorEvent> {
    return events.openMonitor(this, options);
  }

  /** One event when the connection is lost; none when the program closes it. Local drivers never tell. */
  closeEvents(options: EventOptions = {}): EventStream<ConnectionCloseEvent> {
    return events.openClose(this, options);
  }

  /** The events of one kind of object for listeners: `watch('domain').on('lifecycle', ...)`. */
  watch<Kind extends EventKind | 'connection'>(
    kind: Kind,
    options?: events.WatchOptions<Kind>,
  ): EventWatcher<events.WatchedEvents<Kind>> {
    return events.watch(this, kind, options);
  }

  // The query of a URI may hold what is nobody's business.
  protected override label(): string {
    return this.#opened.replace(/\?.*/s, '');
  }
}

function prepare(): void {
  claimFamily('libvirt');
  startEventLoop();
}
