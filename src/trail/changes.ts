/** Waits for something to happen in a folder that may not be there yet. */
import { type FSWatcher, watch } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Between two looks where the kernel tells of changes; it does not on network file systems. */
const WATCHED_MS = 1000;
const UNWATCHED_MS = 250;
/** So much may come together before it is read: a writer makes thousands of records a second. */
const GATHER_MS = 20;

export class Changes {
  readonly #dir: string;
  readonly #signal: AbortSignal | undefined;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(dir: string, signal: AbortSignal | undefined) {
    this.#dir = dir;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#notice);
  }

  /** Until something changed since the last call, or it is time for a look. */
  async next(): Promise<void> {
    this.#watch();
    const changed = this.#changed || (await this.#sleep(this.#watcher === undefined ? UNWATCHED_MS : WATCHED_MS));
    // What happens from here on is found by the look that follows, or makes another one.
    this.#changed = false;
    if (changed && this.#signal?.aborted !== true) await setTimeout(GATHER_MS);
  }

  /** The folder may be another one by now. */
  forget(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  close(): void {
    this.forget();
    this.#signal?.removeEventListener('abort', this.#notice);
  }

  readonly #notice = (): void => {
    this.#changed = true;
    this.#wake?.();
  };

  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#dir, this.#notice).on('error', () => this.forget());
    } catch {
      // Not there yet, or no watches left: looking now and then will do.
    }
  }

  /** True where something happened before the time was over. */
  #sleep(ms: number): Promise<boolean> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    return setTimeout(ms, false, { signal: woken.signal }).catch(() => true);
  }
}
