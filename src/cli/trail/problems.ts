/** Lines of trails that are no records: each is told with its place, the first ones at once, the number of all last. */
import { printable } from '../../printable.js';
import type { TrailPlace } from '../../trail/record.js';
import type { Outcome } from '../outcome.js';

const SHOWN = 20;

export class Problems {
  #count = 0;

  /** `onReport` is called before anything is said. */
  constructor(private readonly onReport: () => void = () => {}) {}

  report({ file, line }: TrailPlace, problem: string): void {
    this.#count++;
    if (this.#count <= SHOWN + 1) this.onReport();
    if (this.#count <= SHOWN) warn(`${file}:${line}: ${problem}`);
    else if (this.#count === SHOWN + 1) warn('further lines that are no records are only counted');
  }

  finish(): Outcome {
    if (this.#count === 0) return 'ok';
    warn(this.#count === 1 ? '1 line is not a record' : `${this.#count} lines are not records`);
    return 'problems';
  }
}

function warn(text: string): void {
  process.stderr.write(`virtshim: warning: ${printable(text)}\n`);
}
