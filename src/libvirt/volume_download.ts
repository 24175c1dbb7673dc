/** The bytes of a volume, in order: fetched in parts, each by a transfer of its own. */
import type { Flow, Incoming, Piece } from './stream_flow.js';

/**
 * A daemon sends all that it was asked for, and libvirt keeps what nobody has read yet: as much as this may wait in
 * memory for a slow reader.
 */
const partSize = 64n * 1024n * 1024n;

/** Opens the transfer of a part. */
export type OpenPart = (offset: bigint, length: bigint) => Promise<Flow>;

export class VolumeDownload implements Incoming {
  readonly #open: OpenPart;
  #offset: bigint;
  /** How much is still to come; undefined: all that there is. */
  #wanted: bigint | undefined;
  #part: Flow | undefined;
  #leftOfPart = 0n;
  #closed: Error | undefined;

  private constructor(open: OpenPart, offset: bigint, length: bigint) {
    this.#open = open;
    this.#offset = offset;
    this.#wanted = length === 0n ? undefined : length;
  }

  /** Opens the first part. `length` 0: all. */
  static async begin(open: OpenPart, offset: bigint, length: bigint): Promise<VolumeDownload> {
    const download = new VolumeDownload(open, offset, length);
    await download.#next();
    return download;
  }

  async receive(stopAtHole: boolean): Promise<Piece> {
    while (this.#part) {
      const piece = await this.#part.receive(stopAtHole);
      if (piece) return this.#count(piece);
      await this.#finishPart(this.#part);
    }
    return undefined;
  }

  /** The parts have been finished, each at its end. */
  async finish(): Promise<void> {}

  async close(error: Error | null): Promise<void> {
    this.#closed ??= error ?? new Error('the download was closed');
    await this.#part?.close(error);
  }

  #count(piece: NonNullable<Piece>): Piece {
    const size = BigInt('hole' in piece ? piece.hole : piece.data.length);
    this.#offset += size;
    this.#leftOfPart -= size;
    if (this.#wanted !== undefined) this.#wanted -= size;
    return piece;
  }

  // A part that is shorter than asked for was the last one.
  async #finishPart(part: Flow): Promise<void> {
    await part.finish();
    await part.close(null);
    this.#part = undefined;
    const isOver = this.#leftOfPart > 0n || (this.#wanted !== undefined && this.#wanted <= 0n);
    if (!isOver) await this.#next();
  }

  async #next(): Promise<void> {
    const length = this.#wanted !== undefined && this.#wanted < partSize ? this.#wanted : partSize;
    const part = await this.#open(this.#offset, length);
    this.#part = part;
    this.#leftOfPart = length;
    if (this.#closed) await part.close(this.#closed);
  }
}
