/** A trail as it is written: every record once, also where its file is rotated, removed, or not there yet. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Changes } from './changes.js';
import { type RecordTest, recordTest, type TrailFilter } from './filter.js';
import { firstSequence, trailFiles } from './lines.js';
import { isWanted, readFile, trailLine } from './read.js';
import type { TrailLine } from './record.js';
import { identityOf, Tail, unreadable } from './tail.js';

export interface FollowTrailOptions {
  /** Only records for which all of this holds. */
  readonly filter?: TrailFilter;
  /** So many of the records that are there already, or all of them. Default: none. */
  readonly from?: number | 'start';
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** So long a writer may go on with a file that was renamed, and some more. */
const LINGER_MS = 2000;

/**
 * Reads a trail and waits for more, until the signal comes or the reader stops. Memory is bounded, however fast the
 * trail grows: lines are read as they are taken.
 * @param dir the trail's folder, which need not be there yet
 * @throws VirtshimError VIRTSHIM_FILE where it cannot be read
 */
export async function* followTrail(dir: string, options: FollowTrailOptions = {}): AsyncGenerator<TrailLine> {
  const { from = 0, signal } = options;
  const ended = () => signal?.aborted === true;
  const follower = new Follower(dir, recordTest(options.filter ?? {}), ended);
  const changes = new Changes(dir, signal);
  try {
    if (from !== 'start') yield* follower.skip(from);
    while (!ended()) {
      let any = false;
      for await (const line of follower.more()) {
        if (ended()) return;
        any = true;
        yield line;
      }
      if (any) continue;
      if (!follower.hasFile) changes.forget();
      await changes.next();
    }
  } finally {
    changes.close();
    await follower.close();
  }
}

class Follower {
  /** Whether trail.xml was there at the last look. */
  hasFile = false;
  readonly #dir: string;
  readonly #file: string;
  readonly #test: RecordTest;
  readonly #ended: () => boolean;
  /** trail.xml, or what was it until now. */
  #current: Tail | undefined;
  /** Files that were renamed or removed while writers may still have them open. */
  #left: { readonly tail: Tail; readonly until: number }[] = [];
  /** Of the last record that was read of a file that is no longer the current one. */
  #lastSequence = 0;
  /** Files that were read to their end. */
  readonly #done = new Set<string>();

  constructor(dir: string, test: RecordTest, ended: () => boolean) {
    this.#dir = dir;
    this.#file = join(dir, 'trail.xml');
    this.#test = test;
    this.#ended = ended;
  }

  /** Leaves out all that is there but the last `count` records. */
  async *skip(count: number): AsyncGenerator<TrailLine> {
    this.#current = await Tail.open(this.#file);
    const lines = (await this.#current?.skipToEnd(count, (bytes) => this.#wanted(bytes))) ?? [];
    if (lines.length < count) yield* await this.#lastOfOlder(count - lines.length);
    for (const bytes of lines) yield* this.#matching([{ bytes, line: 0, complete: true }], this.#file);
    this.#lastSequence = this.#current?.lastSequence ?? Number.POSITIVE_INFINITY;
  }

  /** What came since the last time, as far as it can be read without waiting. */
  async *more(): AsyncGenerator<TrailLine> {
    for (const { tail } of this.#left) yield* this.#read(tail);
    if (this.#current !== undefined) yield* this.#read(this.#current);
    yield* this.#closeLeft();
    const next = await this.#successor();
    if (next === undefined) return;
    // What the writers appended before they changed over.
    if (this.#current !== undefined) yield* this.#leave(this.#current);
    yield* this.#missed(next);
    this.#current = next;
    yield* this.#read(next);
  }

  async close(): Promise<void> {
    for (const tail of [...this.#left.map((left) => left.tail), this.#current]) await tail?.close();
  }

  async *#read(tail: Tail): AsyncGenerator<TrailLine> {
    for (let lines = await tail.read(); lines.length > 0 && !this.#ended(); lines = await tail.read()) {
      if (lines === 'shorter') yield problemIn(tail.file, 'the file became shorter, records may be missing');
      else yield* this.#matching(lines, tail.file);
    }
  }

  async *#leave(tail: Tail): AsyncGenerator<TrailLine> {
    yield* this.#read(tail);
    this.#lastSequence = tail.lastSequence ?? this.#lastSequence;
    this.#done.add(tail.identity);
    this.#left.push({ tail, until: performance.now() + LINGER_MS });
  }

  async *#closeLeft(): AsyncGenerator<TrailLine> {
    const now = performance.now();
    const over = this.#left.filter(({ until }) => until < now);
    this.#left = this.#left.filter(({ until }) => until >= now);
    for (const { tail } of over) {
      if (await tail.hasRest()) yield problemIn(tail.file, 'the last line is incomplete');
      await tail.close();
    }
  }

  /** Another file that is called trail.xml by now. */
  async #successor(): Promise<Tail | undefined> {
    const status = await stat(this.#file, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw unreadable(this.#file, error);
    });
    this.hasFile = status !== undefined;
    if (status === undefined || identityOf(status) === this.#current?.identity) return undefined;
    return Tail.open(this.#file);
  }

  /** Files that were begun and rotated away between two looks, oldest first. */
  async *#missed(next: Tail): AsyncGenerator<TrailLine> {
    for (const file of await trailFiles(this.#dir)) {
      const status = await stat(file, { bigint: true }).catch(() => undefined);
      const identity = status === undefined ? next.identity : identityOf(status);
      if (identity === next.identity || this.#done.has(identity)) continue;
      this.#done.add(identity);
      const first = await firstSequence(file);
      if (first !== undefined && first > this.#lastSequence) yield* this.#readMissed(file);
    }
  }

  async *#readMissed(file: string): AsyncGenerator<TrailLine> {
    for await (const line of readFile(file, this.#test)) {
      if (line.record !== undefined) this.#lastSequence = line.record.seq;
      yield line;
    }
  }

  /** The last records of the files that were rotated away. */
  async #lastOfOlder(count: number): Promise<TrailLine[]> {
    const names = await readdir(this.#dir).catch(() => []);
    if (!names.some((name) => name.startsWith('trail.xml'))) return [];
    const older = (await trailFiles(this.#dir)).filter((file) => file !== this.#file).reverse();
    let found: TrailLine[] = [];
    for (const file of older) {
      const last: TrailLine[] = [];
      for await (const line of readFile(file, this.#test)) {
        last.push(line);
        if (last.length > count - found.length) last.shift();
      }
      found = [...last, ...found];
      if (found.length >= count) break;
    }
    return found;
  }

  #wanted(bytes: Buffer): boolean {
    const line = trailLine(this.#file, { bytes, line: 0, complete: true });
    return line?.record !== undefined && this.#test.matches(line.record);
  }

  *#matching(lines: readonly { bytes: Buffer; line: number; complete: boolean }[], file: string) {
    const wanted = this.#test.lineTest() ?? (() => true);
    for (const line of lines) {
      if (!wanted(line.bytes, 0, line.bytes.length)) continue;
      const read = trailLine(file, line);
      if (read !== undefined && isWanted(read, this.#test)) yield read;
    }
  }
}

/** What is wrong with a file as a whole. */
function problemIn(file: string, problem: string): TrailLine {
  return { file, line: 0, raw: Buffer.alloc(0), problem };
}
