/** Lines of files that may be large: as bytes, a chunk's worth at a time. */

const LINE_END = 0x0a;

/** A line without its end; `complete` is false for a last line that has none. */
export interface RawLine {
  readonly bytes: Buffer;
  readonly line: number;
  readonly complete: boolean;
}

/** Whether the line of `bytes` from `from` to `end` is wanted. It is asked about the lines in their order. */
export type LineTest = (bytes: Buffer, from: number, end: number) => boolean;

/**
 * The lines of the chunks, one chunk's worth at a time and good as long as the chunk is; lines that `wanted` turns down cost no object.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, wanted?: LineTest): AsyncGenerator<RawLine[]> {
  const splitter = new Splitter(wanted ?? (() => true));
  for await (const chunk of chunks) {
    const lines = splitter.take(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.rest();
  if (last !== undefined) yield [last];
}

/**
 * The same bytes in other blocks, each of which ends where a line does; but for the last one, where the last line has no
 * end. They are good until the next one is asked for.
 */
export async function* wholeLines(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  for await (const block of blocks) {
    const first = begun.length === 0 ? 0 : block.indexOf(LINE_END) + 1;
    if (first > 0) {
      yield Buffer.concat([...begun, block.subarray(0, first)]);
      begun = [];
    }
    const end = Math.max(first, block.lastIndexOf(LINE_END) + 1);
    if (end > first) yield block.subarray(first, end);
    // A copy, since the next block may take the place of this one.
    if (block.length > end) begun.push(Buffer.from(block.subarray(end)));
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}

class Splitter {
  /** The beginning of a line whose end is still to come. */
  #begun: Buffer[] = [];
  #line = 0;
  readonly #wanted: LineTest;

  constructor(wanted: LineTest) {
    this.#wanted = wanted;
  }

  take(chunk: Buffer): RawLine[] {
    const lines: RawLine[] = [];
    let from = this.#begun.length === 0 ? 0 : this.#finish(chunk, lines);
    for (let end = chunk.indexOf(LINE_END, from); end !== -1; end = chunk.indexOf(LINE_END, from)) {
      this.#add(lines, chunk, from, end);
      from = end + 1;
    }
    // A copy, since the next chunk may take the place of this one.
    if (from < chunk.length) this.#begun.push(Buffer.from(chunk.subarray(from)));
    return lines;
  }

  rest(): RawLine | undefined {
    if (this.#begun.length === 0) return undefined;
    return { bytes: Buffer.concat(this.#begun), line: this.#line + 1, complete: false };
  }

  /** Ends the line that was begun; returns where the next one starts. */
  #finish(chunk: Buffer, lines: RawLine[]): number {
    const end = chunk.indexOf(LINE_END);
    if (end === -1) {
      this.#begun.push(Buffer.from(chunk));
      return chunk.length;
    }
    const bytes = Buffer.concat([...this.#begun, chunk.subarray(0, end)]);
    this.#begun = [];
    this.#add(lines, bytes, 0, bytes.length);
    return end + 1;
  }

  #add(lines: RawLine[], bytes: Buffer, from: number, end: number): void {
    this.#line++;
    if (this.#wanted(bytes, from, end)) {
      lines.push({ bytes: bytes.subarray(from, end), line: this.#line, complete: true });
    }
  }
}
