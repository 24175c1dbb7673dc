/** Whether a connection is still there: libvirt tells one listener for each connection when it is not. */
import { setImmediate } from 'node:timers/promises';
import { VirtshimError } from '../errors.js';
import { forgetListener, refListener, unrefListener } from '../ffi/callbacks.js';
import * as ffi from '../ffi/index.js';
import type { virConnectPtr } from '../generated/ffi/types.js';
import type { Connection } from './classes.js';
import { constantName } from './event_types.js';
import { during } from './object.js';

const notices = new WeakMap<Connection, Notice>();

/** The one listener of a connection. It is registered while anybody watches. */
class Notice {
  readonly watches = new Set<CloseWatch>();
  readonly #connection: Connection;
  // The connection may be freed before the last watch ends: whoever watches still holds libvirt's.
  readonly #pointer: virConnectPtr;
  #registered: Promise<void> | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#pointer = connection.pointer;
  }

  add(watch: CloseWatch): Promise<void> {
    this.watches.add(watch);
    this.#registered ??= this.#register();
    return this.#registered;
  }

  async remove(watch: CloseWatch): Promise<void> {
    this.watches.delete(watch);
    this.keepAlive();
    if (this.watches.size > 0 || this.#registered === undefined) return;
    const registered = this.#registered;
    this.#registered = undefined;
    this.#ended = this.#unregister(registered);
    await this.#ended;
  }

  /** Watching for a loss does not keep the process alive by itself. */
  keepAlive(): void {
    const change = [...this.watches].some((watch) => watch.keepsAlive) ? refListener : unrefListener;
    change(this.#listener);
  }

  readonly #listener = (_: unknown, reason: number): void => {
    for (const watch of [...this.watches]) watch.tell(reason);
  };

  #register(): Promise<void> {
    const call = this.#ended.then(() => ffi.virConnectRegisterCloseCallback.async(this.#pointer, this.#listener));
    const registered = during(this.#connection, call);
    registered.then(
      () => this.keepAlive(),
      () => undefined,
    );
    return registered;
  }

  async #unregister(registered: Promise<void>): Promise<void> {
    const call = registered
      .then(() => ffi.virConnectUnregisterCloseCallback.async(this.#pointer, this.#listener))
      .catch(() => undefined);
    await during(this.#connection, call);
    await setImmediate();
    forgetListener(this.#listener);
  }
}

/** Calls `told` with the reason when the connection is lost. */
export class CloseWatch {
  readonly #notice: Notice;
  readonly #told: (reason: number) => void;
  readonly #registered: Promise<void>;
  #end: Promise<void> | undefined;
  keepsAlive = false;

  constructor(connection: Connection, told: (reason: number) => void) {
    this.#notice = notices.get(connection) ?? new Notice(connection);
    notices.set(connection, this.#notice);
    this.#told = told;
    this.#registered = this.#notice.add(this);
    this.#registered.catch(() => undefined);
  }

  /** Rejects where libvirt will not tell: another listener was registered past this module, a policy refuses it. */
  registered(): Promise<void> {
    return this.#registered;
  }

  /** Resolves when nobody is told any more. */
  end(): Promise<void> {
    this.#end ??= this.#notice.remove(this);
    return this.#end;
  }

  ref(): void {
    this.keepsAlive = true;
    this.#notice.keepAlive();
  }

  unref(): void {
    this.keepsAlive = false;
    this.#notice.keepAlive();
  }

  tell(reason: number): void {
    if (!this.#end) this.#told(reason);
  }
}

/** `VIR_CONNECT_CLOSE_REASON_EOF` and its like; null for one that this version does not know. */
export function reasonName(reason: number): string | null {
  return constantName('VIR_CONNECT_CLOSE_REASON_', reason);
}

/** The error of who waited for something. */
export function lost(reason: number): VirtshimError {
  return new VirtshimError('VIRTSHIM_DISCONNECTED', `the connection was lost: ${reasonName(reason) ?? reason}`, {
    hint: 'open it anew, and look at what has changed meanwhile',
  });
}
