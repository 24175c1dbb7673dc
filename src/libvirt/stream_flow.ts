/** Sends and receives through a stream of libvirt that does not block: no thread waits while there is nothing to do. */
import { forgetListener } from '../ffi/callbacks.js';
import * as ffi from '../ffi/index.js';
import type { virStreamPtr } from '../generated/ffi/types.js';
import { CloseWatch, lost } from './close_watch.js';
import type { Stream } from './stream.js';

/** Older daemons take no more in one message: 256 KiB less its header. */
export const maxSend = 262_120;
export const maxReceive = 262_144;

const wouldBlock = -2;
const atHole = -3;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What comes next: bytes, how many zeros there are instead of bytes, or nothing any more. */
export type Piece = { readonly data: Buffer } | { readonly hole: number } | undefined;

/** Where bytes come from. */
export interface Incoming {
  /** With `stopAtHole`, holes are told; else they are received as zeros. */
  receive(stopAtHole: boolean): Promise<Piece>;
  /** After the last piece; rejects where the other side has not given everything. */
  finish(): Promise<void>;
  /** Lets go, at any time: who waits gets `error`. */
  close(error: Error | null): Promise<void>;
}

/** Takes a stream over that was opened and made with VIR_STREAM_NONBLOCK, and frees it in the end. */
export class Flow implements Incoming {
  readonly #stream: Stream;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listener = (stream: virStreamPtr, events: number): void => {
    // A reference that comes with every event; #stream has one of its own.
    ffi.virStreamFree(stream);
    this.#wake(events);
  };
  #loss: CloseWatch | undefined;
  #over: Error | undefined;
  #finished = false;
  #closed: Promise<void> | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  async receive(stopAtHole: boolean): Promise<Piece> {
    const buffer = Buffer.allocUnsafeSlow(maxReceive);
    const recv = () =>
      stopAtHole ? this.#stream.recvFlags(buffer, ffi.VIR_STREAM_RECV_STOP_AT_HOLE) : this.#stream.recv(buffer);
    const size = await this.#whenPossible(ffi.VIR_STREAM_EVENT_READABLE, recv);
    if (size === atHole) return { hole: Number(await this.#stream.recvHole()) };
    if (size === 0) return undefined;
    return { data: size < maxReceive / 2 ? Buffer.from(buffer.subarray(0, size)) : buffer.subarray(0, size) };
  }

  /** Resolves when libvirt has taken all of it. */
  async send(data: Uint8Array): Promise<void> {
    for (let sent = 0; sent < data.length; ) {
      const part = data.subarray(sent, sent + maxSend);
      sent += await this.#whenPossible(ffi.VIR_STREAM_EVENT_WRITABLE, () => this.#stream.send(part));
    }
  }

  async sendHole(length: number): Promise<void> {
    await this.#stream.sendHole(length);
  }

  /** Ends the transfer; rejects where the other side has not taken everything. */
  async finish(): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    this.#stopListening();
    await this.#stream.finish();
  }

  /** Frees the stream; aborts the transfer where it was not finished. Who waits gets `error`. */
  close(error: Error | null): Promise<void> {
    this.#closed ??= this.#close(error ?? new Error('the stream was closed'));
    return this.#closed;
  }

  async #close(error: Error): Promise<void> {
    this.#stopListening();
    this.#end(error);
    // It may have failed before: then there is nothing left to abort.
    if (!this.#finished) await this.#stream.abort().catch(() => undefined);
    await this.#loss?.end();
    await this.#stream.free();
    forgetListener(this.#listener);
  }

  async #whenPossible(event: number, call: () => Promise<number>): Promise<number> {
    for (;;) {
      if (this.#over) throw this.#over;
      const result = await call().catch((error: Error) => {
        throw this.#over ?? error;
      });
      if (result !== wouldBlock) return result;
      await this.#until(event);
    }
  }

  #until(event: number): Promise<void> {
    if (this.#over) return Promise.reject(this.#over);
    this.#watchLoss();
    return new Promise((resolve, reject) => {
      this.#waiting.set(event, { resolve, reject });
      this.#listenFor();
    });
  }

  // A stream outlives its connection's object, which then tells nothing any more.
  #watchLoss(): void {
    const connection = this.#stream.connectSync();
    if (!connection.freed) this.#loss ??= new CloseWatch(connection, (reason) => this.#end(lost(reason)));
  }

  #end(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#over);
    this.#waiting.clear();
  }

  // An error or a hang-up is told by the call that is made next.
  #wake(events: number): void {
    const anything = (events & (ffi.VIR_STREAM_EVENT_ERROR | ffi.VIR_STREAM_EVENT_HANGUP)) !== 0;
    for (const [event, { resolve }] of this.#waiting) {
      if (!anything && !(events & event)) continue;
      this.#waiting.delete(event);
      resolve();
    }
    this.#listenFor();
  }

  #listening = false;

  // libvirt tells again and again what holds: it is asked only for what somebody waits for. It does not leave the
  // process for that, so the thread does not wait.
  #listenFor(): void {
    const { pointer } = this.#stream;
    const events = [...this.#waiting.keys()].reduce((all, event) => all | event, 0);
    try {
      if (this.#listening) ffi.virStreamEventUpdateCallback(pointer, events);
      else if (events !== 0) ffi.virStreamEventAddCallback(pointer, events, this.#listener);
      this.#listening ||= events !== 0;
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #stopListening(): void {
    if (!this.#listening) return;
    this.#listening = false;
    try {
      ffi.virStreamEventRemoveCallback(this.#stream.pointer);
    } catch {
      // The stream had ended by itself.
    }
  }
}
