/** Finds runs of zeros that are worth being a hole. */

/** Smaller ones cost more messages than they save bytes; file systems keep holes in blocks. */
const blockSize = 65_536;
const zeros = Buffer.alloc(blockSize);

/** Cuts what is written, in order, into bytes and lengths of holes: whole blocks, counted from the start, of zeros. */
export class HoleFinder {
  #partial: Buffer = Buffer.alloc(0);
  #hole = 0;

  /** What can be sent now; the end of `data` may have to wait for the rest of its block. */
  *pieces(data: Buffer): Generator<Buffer | number> {
    const all = this.#partial.length > 0 ? Buffer.concat([this.#partial, data]) : data;
    const whole = all.length - (all.length % blockSize);
    this.#partial = Buffer.from(all.subarray(whole));
    let from = 0;
    for (let at = 0; at < whole; at += blockSize) {
      if (!isZero(all.subarray(at, at + blockSize))) {
        yield* this.#holeBefore();
        continue;
      }
      if (from < at) yield all.subarray(from, at);
      from = at + blockSize;
      this.#hole += blockSize;
    }
    if (from < whole) yield all.subarray(from, whole);
  }

  /** What is left in the end. */
  *rest(): Generator<Buffer | number> {
    const rest = this.#partial;
    this.#partial = Buffer.alloc(0);
    if (isZero(rest)) this.#hole += rest.length;
    yield* this.#holeBefore();
    if (!isZero(rest)) yield rest;
  }

  *#holeBefore(): Generator<number> {
    if (this.#hole > 0) yield this.#hole;
    this.#hole = 0;
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(zeros.subarray(0, bytes.length));
}
