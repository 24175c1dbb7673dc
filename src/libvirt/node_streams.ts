/** libvirt's streams as Node's. */
import {
  Duplex,
  type DuplexOptions,
  Readable,
  type ReadableOptions,
  Writable,
  type WritableOptions,
} from 'node:stream';
import { type Flow, type Incoming, maxReceive, maxSend } from './stream_flow.js';
import { HoleFinder } from './stream_holes.js';

/** What the streams have in common; aborting the signal destroys them. */
export interface FlowOptions {
  readonly signal?: AbortSignal | undefined;
  /** Reading: holes are not transferred, and read as zeros. Writing: long runs of zeros become holes. */
  readonly sparse?: boolean | undefined;
}

type Done = (error?: Error | null) => void;

/** Runs `action` and tells Node how it went. */
function telling(done: Done, action: Promise<void>): void {
  action.then(
    () => done(),
    (error: Error) => done(error),
  );
}

/** Gives what was received, piece by piece. */
class Source {
  readonly #flow: Incoming;
  readonly #sparse: boolean;
  #zeros = 0;

  constructor(flow: Incoming, sparse: boolean) {
    this.#flow = flow;
    this.#sparse = sparse;
  }

  /** null in the end, when libvirt has confirmed it. */
  async next(): Promise<Buffer | null> {
    while (this.#zeros === 0) {
      const piece = await this.#flow.receive(this.#sparse);
      if (piece === undefined) return this.#end();
      if ('data' in piece) return piece.data;
      this.#zeros = piece.hole;
    }
    const size = Math.min(this.#zeros, maxReceive);
    this.#zeros -= size;
    return Buffer.alloc(size);
  }

  async #end(): Promise<null> {
    await this.#flow.finish();
    return null;
  }
}

/** Reads a stream of libvirt to its end. Destroyed before that, it aborts the transfer. */
export class FlowReadable extends Readable {
  readonly #open: () => Promise<Incoming>;
  readonly #sparse: boolean;
  #flow: Incoming | undefined;
  #source: Source | undefined;

  constructor(open: () => Promise<Incoming>, { sparse = false, signal }: FlowOptions = {}) {
    super({ highWaterMark: maxReceive, ...(signal && { signal }) } satisfies ReadableOptions);
    this.#open = open;
    this.#sparse = sparse;
  }

  override _construct(done: Done): void {
    const opening = async () => {
      this.#flow = await this.#open();
      this.#source = new Source(this.#flow, this.#sparse);
    };
    telling(done, opening());
  }

  override _read(): void {
    this.#source?.next().then(
      (data) => this.push(data),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: Done): void {
    closing(this.#flow, error, done);
  }
}

/** Writes a stream of libvirt. `finish` says that libvirt has taken all; destroyed before that, it aborts the transfer. */
export class FlowWritable extends Writable {
  readonly #open: () => Promise<Flow>;
  readonly #holes: HoleFinder | undefined;
  #flow: Flow | undefined;

  constructor(open: () => Promise<Flow>, { sparse = false, signal }: FlowOptions = {}) {
    super({ highWaterMark: maxSend, ...(signal && { signal }) } satisfies WritableOptions);
    this.#open = open;
    this.#holes = sparse ? new HoleFinder() : undefined;
  }

  override _construct(done: Done): void {
    const opening = async () => {
      this.#flow = await this.#open();
    };
    telling(done, opening());
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    telling(done, this.#send(joined(chunks)));
  }

  override _write(chunk: Buffer, _: string, done: Done): void {
    telling(done, this.#send(chunk));
  }

  override _final(done: Done): void {
    telling(done, this.#finish());
  }

  override _destroy(error: Error | null, done: Done): void {
    closing(this.#flow, error, done);
  }

  async #send(data: Buffer): Promise<void> {
    if (!this.#holes) return this.#flow?.send(data);
    for (const piece of this.#holes.pieces(data)) await this.#sendPiece(piece);
  }

  async #finish(): Promise<void> {
    for (const piece of this.#holes?.rest() ?? []) await this.#sendPiece(piece);
    await this.#flow?.finish();
  }

  #sendPiece(piece: Buffer | number): Promise<void> | undefined {
    return typeof piece === 'number' ? this.#flow?.sendHole(piece) : this.#flow?.send(piece);
  }
}

/**
 * Both ways at once: a console. libvirt cannot close one direction alone: end() ends both when what was written is with
 * libvirt, and the end of what is read ends writing.
 */
export class FlowDuplex extends Duplex {
  readonly #flow: Flow;
  readonly #source: Source;
  #ended = false;

  constructor(flow: Flow, { signal }: Pick<FlowOptions, 'signal'> = {}) {
    super({ allowHalfOpen: false, ...(signal && { signal }) } satisfies DuplexOptions);
    this.#flow = flow;
    this.#source = new Source(flow, false);
  }

  override _read(): void {
    this.#source.next().then(
      (data) => this.#give(data),
      (error: Error) => {
        if (!this.#ended) this.destroy(error);
      },
    );
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    telling(done, this.#flow.send(joined(chunks)));
  }

  override _write(chunk: Buffer, _: string, done: Done): void {
    telling(done, this.#flow.send(chunk));
  }

  override _final(done: Done): void {
    const ending = async () => {
      await this.#flow.finish();
      this.#give(null);
    };
    telling(done, ending());
  }

  override _destroy(error: Error | null, done: Done): void {
    closing(this.#flow, error, done);
  }

  // What arrives after the end is lost: there is nobody who still reads.
  #give(data: Buffer | null): void {
    if (this.#ended) return;
    this.#ended = data === null;
    this.push(data);
  }
}

function joined(chunks: readonly { readonly chunk: Buffer }[]): Buffer {
  return Buffer.concat(chunks.map(({ chunk }) => chunk));
}

function closing(flow: Incoming | undefined, error: Error | null, done: Done): void {
  const closed = flow?.close(error) ?? Promise.resolve();
  closed.then(
    () => done(error),
    (failure: Error) => done(error ?? failure),
  );
}
