/** A file that grows: its lines, each once, as soon as they are complete. */
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemReason, VirtshimError } from '../errors.js';
import type { RawLine } from '../input/lines.js';

const LINE_END = 0x0a;
const PIECE = 1 << 20;
/** Where a record's sequence number stands at the latest. */
const BEGINNING = 128;
const SEQUENCE = / seq="(\d+)"/;

export class Tail {
  readonly file: string;
  /** Device and inode: what the file is, whatever it is called by now. While it is open no other one has them. */
  readonly identity: string;
  /** Sequence number of the last record that was read; undefined before the first one. */
  lastSequence: number | undefined;
  readonly #handle: FileHandle;
  /** Up to here lines were read. */
  #at = 0;
  /** How many lines that is; undefined where nobody counted. */
  #line: number | undefined = 0;
  #piece = PIECE;

  private constructor(file: string, handle: FileHandle, identity: string) {
    this.file = file;
    this.#handle = handle;
    this.identity = identity;
  }

  /** Undefined where there is no such file. */
  static async open(file: string): Promise<Tail | undefined> {
    const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw unreadable(file, error);
    });
    return handle && new Tail(file, handle, identityOf(await handle.stat({ bigint: true })));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /**
   * The next complete lines, at most some megabytes; none where there are no more by now. `shorter` where the file lost
   * what had been read: reading goes on at its new end.
   */
  async read(): Promise<RawLine[] | 'shorter'> {
    const { size } = await this.#handle.stat();
    if (size < this.#at) {
      this.#at = size;
      this.#line = undefined;
      return 'shorter';
    }
    const bytes = await this.#bytes(this.#at, Math.min(this.#piece, size - this.#at));
    const end = bytes.lastIndexOf(LINE_END) + 1;
    if (end > 0) return this.#take(bytes.subarray(0, end));
    // A line that is still being written, or one that is longer than a piece.
    if (bytes.length < this.#piece) return [];
    this.#piece *= 2;
    return this.read();
  }

  /** Whether something stands behind the lines that were read: of a file that grows no more, a line without its end. */
  async hasRest(): Promise<boolean> {
    return (await this.#handle.stat()).size > this.#at;
  }

  /** The last lines for which `wanted` says so, oldest first; `read` goes on behind the last line. */
  async skipToEnd(count: number, wanted: (bytes: Buffer) => boolean): Promise<Buffer[]> {
    const { size } = await this.#handle.stat();
    const end = await this.#lineEndBefore(size);
    this.#at = end;
    this.#line = end === 0 ? 0 : undefined;
    if (end > 0) this.#remember(await this.#bytes(await this.#lineEndBefore(end - 1), BEGINNING));
    const found: Buffer[] = [];
    // The end of a line that begins before `from`.
    let behind: Buffer = Buffer.alloc(0);
    for (let from = end; from > 0 && found.length < count; ) {
      const size = Math.min(PIECE, from);
      from -= size;
      const bytes = Buffer.concat([await this.#bytes(from, size), behind]);
      const first = from === 0 ? 0 : bytes.indexOf(LINE_END) + 1;
      collectBackwards(bytes.subarray(first), found, count, wanted);
      behind = bytes.subarray(0, first);
    }
    return found.reverse();
  }

  /** Behind the last line end before `end`; 0 where there is none. */
  async #lineEndBefore(end: number): Promise<number> {
    for (let from = end; from > 0; ) {
      const size = Math.min(PIECE, from);
      from -= size;
      const at = (await this.#bytes(from, size)).lastIndexOf(LINE_END);
      if (at !== -1) return from + at + 1;
    }
    return 0;
  }

  async #take(bytes: Buffer): Promise<RawLine[]> {
    const lines = await this.#split(bytes);
    this.#at += bytes.length;
    return lines;
  }

  async #split(bytes: Buffer): Promise<RawLine[]> {
    this.#line ??= await this.#countLines(this.#at);
    const lines: RawLine[] = [];
    for (let from = 0; from < bytes.length; ) {
      const end = bytes.indexOf(LINE_END, from);
      lines.push({ bytes: bytes.subarray(from, end), line: ++this.#line, complete: true });
      from = end + 1;
    }
    const last = lines.at(-1);
    if (last !== undefined) this.#remember(last.bytes);
    return lines;
  }

  #remember(line: Buffer): void {
    const sequence = SEQUENCE.exec(line.toString('latin1', 0, BEGINNING))?.[1];
    if (sequence !== undefined) this.lastSequence = Number(sequence);
  }

  async #countLines(end: number): Promise<number> {
    let count = 0;
    for (let at = 0; at < end; at += PIECE) {
      const bytes = await this.#bytes(at, Math.min(PIECE, end - at));
      for (let i = bytes.indexOf(LINE_END); i !== -1; i = bytes.indexOf(LINE_END, i + 1)) count++;
    }
    return count;
  }

  async #bytes(at: number, size: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await this.#handle.read(bytes, done, size - done, at + done).catch((error) => {
        throw unreadable(this.file, error);
      });
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }
}

export function unreadable(file: string, cause: unknown): VirtshimError {
  return new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(cause)}`, { cause });
}

export function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Adds the wanted ones of these lines, the last one first, until there are `count`. */
function collectBackwards(lines: Buffer, found: Buffer[], count: number, wanted: (bytes: Buffer) => boolean): void {
  for (let end = lines.length - 1; end >= 0 && found.length < count; ) {
    const begin = end === 0 ? 0 : lines.lastIndexOf(LINE_END, end - 1) + 1;
    const line = lines.subarray(begin, end);
    if (line.length > 0 && wanted(line)) found.push(line);
    end = begin - 1;
  }
}
