/** Standard output for much text: in large pieces, and no faster than it is read. */

const PIECE = 1 << 16;

export class Output {
  /** `onWrite` is called before each piece. */
  constructor(private readonly onWrite: () => void = () => {}) {}

  #pieces: Buffer[] = [];
  /** What came after them. */
  #text = '';
  #size = 0;

  /** Keeps small texts back until there are more of them, or `flush`. */
  async print(text: string | Buffer): Promise<void> {
    if (typeof text === 'string') this.#text += text;
    else this.#keepBytes(text);
    this.#size += text.length;
    if (this.#size >= PIECE) await this.flush();
  }

  #keepBytes(bytes: Buffer): void {
    if (this.#text !== '') this.#pieces.push(Buffer.from(this.#text));
    this.#pieces.push(bytes);
    this.#text = '';
  }

  async flush(): Promise<void> {
    if (this.#size === 0) return;
    const whole = Buffer.concat([...this.#pieces, Buffer.from(this.#text)]);
    this.#pieces = [];
    this.#text = '';
    this.#size = 0;
    this.onWrite();
    if (!process.stdout.write(whole)) await new Promise((resume) => process.stdout.once('drain', resume));
  }
}
