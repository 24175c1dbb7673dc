/** Finds lines in blocks of bytes and leaves out, as early as it can, those that nobody wants. */

const LINE_END = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** auditd writes lines of less than 9 KiB; what is longer than this is no line of an audit log. */
const LONGEST_LINE = 1 << 20;

export interface Line {
  /** In latin1, without the line end. */
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** Whether the line that begins at `at` is wanted; every byte that is read costs time on logs of gigabytes. */
export type LineTest = (block: Buffer, at: number, end: number) => boolean;

export class LineScanner {
  readonly #wanted: LineTest;
  #rest: Buffer[] = [];
  #restLength = 0;
  #number = 0;
  #overlong = 0;

  constructor(wanted: LineTest) {
    this.#wanted = wanted;
  }

  /** Numbers of the lines that were too long to be kept, since the last question. */
  takeOverlong(): number {
    const line = this.#overlong;
    this.#overlong = 0;
    return line;
  }

  /** Calls `take` for the wanted lines that end in this block, which may be overwritten afterwards. */
  scan(block: Buffer, take: (line: Line) => void): void {
    let from = this.#restLength > 0 ? this.#finishRest(block, take) : 0;
    if (from < 0) return;
    const wanted = this.#wanted;
    for (let end = block.indexOf(LINE_END, from); end !== -1; end = block.indexOf(LINE_END, from)) {
      this.#number++;
      if (wanted(block, from, end)) take(this.#line(block, from, end));
      from = end + 1;
    }
    this.#keep(block.subarray(from));
  }

  /** The last line, which has no end. */
  end(take: (line: Line) => void): void {
    if (this.#restLength > 0) this.#finishRest(Buffer.from('\n'), take);
  }

  /** The line that began in blocks before this one; returns where the next one begins, -1 where it does not end. */
  #finishRest(block: Buffer, take: (line: Line) => void): number {
    const end = block.indexOf(LINE_END);
    this.#keep(end === -1 ? block : block.subarray(0, end));
    if (end === -1) return -1;
    this.#number++;
    const line = Buffer.concat(this.#rest);
    if (this.#restLength > LONGEST_LINE) this.#overlong = this.#number;
    else if (this.#wanted(line, 0, line.length)) take(this.#line(line, 0, line.length));
    this.#rest = [];
    this.#restLength = 0;
    return end + 1;
  }

  #keep(piece: Buffer): void {
    this.#restLength += piece.length;
    if (piece.length > 0 && this.#restLength <= LONGEST_LINE) this.#rest.push(Buffer.from(piece));
  }

  #line(block: Buffer, from: number, end: number): Line {
    const until = end > from && block[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    return { text: block.toString('latin1', from, until), number: this.#number };
  }
}
