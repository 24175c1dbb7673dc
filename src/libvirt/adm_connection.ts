import * as ffi from '../ffi/index.js';
import { AdmConnectionMethods } from '../generated/classes/adm_connection.js';
import type { virAdmConnectPtr } from '../generated/ffi/types.js';
import { claimFamily } from './families.js';

/**
 * A connection to the administration of a libvirt daemon. libvirt cannot have it in a process that has connections to
 * hypervisors.
 */
export class AdmConnection extends AdmConnectionMethods {
  readonly #opened: string;

  /** Takes over the caller's reference. `name` is what it was opened by; it stands for the connection in listings. */
  constructor(pointer: virAdmConnectPtr, name?: string | null) {
    super(pointer);
    this.#opened = name ?? '';
  }

  /** `virAdmConnectOpen`, since libvirt 2.0.0. */
  static async open(name?: string | null, flags?: number): Promise<AdmConnection> {
    claimFamily('libvirt-admin');
    return new AdmConnection(await ffi.virAdmConnectOpen.async(name, flags), name);
  }

  /** `virAdmConnectOpen` while the thread waits. */
  static openSync(name?: string | null, flags?: number): AdmConnection {
    claimFamily('libvirt-admin');
    return new AdmConnection(ffi.virAdmConnectOpen(name, flags), name);
  }

  /** `free()` by libvirt's name: closes the connection, unless objects that came from it still need it. */
  close(): Promise<void> {
    return this.free();
  }

  /** `freeSync()` by libvirt's name. */
  closeSync(): void {
    this.freeSync();
  }

  protected override label(): string {
    return this.#opened;
  }
}
