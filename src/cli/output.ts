/** Standard output for much text: in large pieces, and no faster than it is read. */

const PIECE = 1 << 16;

export class Output {
  /** `onWrite` is called before each piece. */
  constructor(private readonly onWrite: () => void = () => {}) {}

  #pieces: (string | Buffer)[] = [];
  #size = 0;

  /** Keeps small texts back until there are more of them, or `flush`. */
  async print(text: string | Buffer): Promise<void> {
    this.#pieces.push(text);
    this.#size += text.length;
    if (this.#size >= PIECE) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#size === 0) return;
    const whole = Buffer.concat(this.#pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
    this.#pieces = [];
    this.#size = 0;
    this.onWrite();
    if (!process.stdout.write(whole)) await new Promise((resume) => process.stdout.once('drain', resume));
  }
}
