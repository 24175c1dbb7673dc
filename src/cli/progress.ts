/** How far long work is: a line on standard error that is written over, and only where that is a terminal. */

const INTERVAL_MS = 100;
const MEGABYTE = 1e6;

export class Progress {
  readonly #what: string;
  readonly #shown: boolean;
  #last = Date.now();
  #length = 0;

  /** `what` is being done: `reading`. */
  constructor(what: string, shown: boolean = process.stderr.isTTY === true) {
    this.#what = what;
    this.#shown = shown;
  }

  /** So many bytes of `total`, which is 0 where nobody knows. */
  update(done: number, total: number): void {
    if (!this.#shown || Date.now() - this.#last < INTERVAL_MS) return;
    this.#last = Date.now();
    const part =
      total > 0 ? `${Math.floor((Math.min(done, total) / total) * 100)} % of ${megabytes(total)}` : megabytes(done);
    this.#write(`${this.#what}: ${part}`);
  }

  /** To be told of so many bytes more each time; of how many nobody knows. */
  counter(): (bytes: number) => void {
    let done = 0;
    return (bytes) => {
      done += bytes;
      this.update(done, 0);
    };
  }

  /** Takes the line away: what comes next begins in an empty one. */
  clear(): void {
    if (this.#length > 0) this.#write('');
    if (this.#length > 0) process.stderr.write('\r');
    this.#length = 0;
  }

  #write(text: string): void {
    process.stderr.write(`\r${text.padEnd(this.#length)}`);
    this.#length = Math.max(this.#length, text.length);
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}
