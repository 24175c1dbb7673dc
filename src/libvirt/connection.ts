import type { Auth } from '../ffi/auth.js';
import { startEventLoop } from '../ffi/event_loop.js';
import * as ffi from '../ffi/index.js';
import { ConnectionMethods } from '../generated/classes/connection.js';
import type { virConnectPtr } from '../generated/ffi/types.js';

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
    startEventLoop();
    return new Connection(await ffi.virConnectOpen.async(name), name);
  }

  /** `virConnectOpen` while the thread waits. */
  static openSync(name?: string | null): Connection {
    startEventLoop();
    return new Connection(ffi.virConnectOpen(name), name);
  }

  /** `virConnectOpenReadOnly`, since libvirt 0.0.3: libvirt refuses what changes anything. */
  static async openReadOnly(name?: string | null): Promise<Connection> {
    startEventLoop();
    return new Connection(await ffi.virConnectOpenReadOnly.async(name), name);
  }

  /** `virConnectOpenReadOnly` while the thread waits. */
  static openReadOnlySync(name?: string | null): Connection {
    startEventLoop();
    return new Connection(ffi.virConnectOpenReadOnly(name), name);
  }

  /** `virConnectOpenAuth`, since libvirt 0.4.0: libvirt asks `auth` for what it has to know. */
  static async openAuth(name: string | null | undefined, auth: Auth, flags?: number): Promise<Connection> {
    startEventLoop();
    return new Connection(await ffi.virConnectOpenAuth.async(name, auth, flags), name);
  }

  /** `virConnectOpenAuth` while the thread waits: `auth` has to answer at once. */
  static openAuthSync(name: string | null | undefined, auth: Auth, flags?: number): Connection {
    startEventLoop();
    return new Connection(ffi.virConnectOpenAuth(name, auth, flags), name);
  }

  /** `free()` by libvirt's name: closes the connection, unless objects that came from it still need it. */
  close(): Promise<void> {
    return this.free();
  }

  /** `freeSync()` by libvirt's name. */
  closeSync(): void {
    this.freeSync();
  }

  // The query of a URI may hold what is nobody's business.
  protected override label(): string {
    return this.#opened.replace(/\?.*/s, '');
  }
}
