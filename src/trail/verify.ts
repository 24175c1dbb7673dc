import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { VirtshimError } from '../errors.js';
import { wholeLines } from '../input/lines.js';
import type { NativeRecordPlace, NativeTrailSummary } from '../native.js';
import { type AnchorFile, anchorFiles, missingRecords, readAnchors, type TextRecord } from './anchors.js';
import { ChainReader, type Removal } from './chain_reader.js';
import { isDamage, isGone, NEWEST, type TrailPart, trailParts } from './lines.js';
import { MOST, type TrailProblem } from './problems.js';
import type { TrailPlace } from './record.js';
import { readState, type TrailState, trailId } from './state.js';

export type { Removal } from './chain_reader.js';
export type { TrailProblem, TrailProblemKind } from './problems.js';

/** A methodcall without its methodresponse: the process died in between, or the call is still running. */
export interface UnansweredCall extends TrailPlace {
  readonly rid: string;
  readonly seq: number;
  readonly pid: number;
  readonly event: string;
}

/** Outcomes without audit text, among others that have it. No problem: a text may be lost, a record is not. */
export interface Unanchored {
  readonly count: number;
  readonly first: TrailPlace & { readonly seq: number; readonly rid: string };
}

export interface TrailVerification {
  /** No problems. Unanswered calls are none. */
  readonly ok: boolean;
  readonly dir: string;
  /** Names of the files, oldest first. */
  readonly files: readonly string[];
  readonly records: number;
  /** Sequence numbers of the first and the last record; undefined for an empty trail. */
  readonly first?: number;
  readonly last?: number;
  readonly removal?: Removal;
  /** Chain value of the last record, hex: what to write down elsewhere to recognise this trail again. */
  readonly head?: string;
  /** Whether .trail.state told what the last record is. Without it only audit text shows that the end was cut off. */
  readonly endKnown: boolean;
  /** The first one names the first record that was changed, removed or added. At most a thousand. */
  readonly problems: readonly TrailProblem[];
  readonly problemCount: number;
  readonly unanswered: readonly UnansweredCall[];
  /** Files of audit text that were read. */
  readonly anchors: readonly string[];
  /** How many records were also compared with their audit text. */
  readonly anchored: number;
  readonly unanchored?: Unanchored;
}

export interface VerifyOptions {
  /** Files of audit text to compare with, besides the trail's own; for instance /var/log/audit/audit.log. */
  readonly anchors?: readonly string[];
  /** Told now and then how many of the trail's bytes were read. */
  readonly onProgress?: (bytes: number) => void;
}

const ATTEMPTS = 3;
const GROWING_MS = 100;
/** The kernel may hold a text back for so long while its backlog is full. */
const LATE_MS = 60_000;

/**
 * Verifies a trail: the hash chain over all files, its end against .trail.state, and the audit text that repeats chain
 * values. It tells the first record that was changed, removed or added. Who may write the trail AND the audit text can
 * forge both; see docs/trail.md. The trail may be written and rotated meanwhile.
 * @param dir the trail's folder
 * @throws VirtshimError where there is no trail or it cannot be read
 */
export async function verifyTrail(dir: string, options: VerifyOptions = {}): Promise<TrailVerification> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await new Verification(dir, options).run();
    } catch (error) {
      // Old files were removed before their turn came: the trail says so by now.
      if (attempt === ATTEMPTS || !isGone(error)) throw error;
    }
  }
}

class Verification {
  #state: TrailState | undefined;
  #chain = new ChainReader([]);
  readonly #files: string[] = [];
  #bytes = 0;

  constructor(
    private readonly dir: string,
    private readonly options: VerifyOptions,
  ) {}

  async run(): Promise<TrailVerification> {
    const id = await trailId(this.dir);
    this.#chain = new ChainReader(id === undefined ? [] : [id]);
    const anchors = await readAnchors(this.#chain.check, await anchorFiles(this.dir, this.options.anchors ?? []));
    // After the audit text, which may only tell of records before it, and before the records: what is appended while this
    // reads can only lie behind it.
    this.#state = await readState(join(this.dir, '.trail.state'));
    for await (const part of this.#parts()) await this.#read(part);
    this.#chain.finish();
    const summary = this.#chain.check.summary();
    this.#addRewritten(summary);
    this.#chain.problems.sort(this.#files);
    this.#compareEnd();
    if (summary.missing > 0) await this.#addMissing(anchors);
    return this.#result(summary, anchors);
  }

  /** Where all files of a trail are gone, what is left says that there were some. */
  async *#parts(): AsyncGenerator<TrailPart> {
    try {
      yield* trailParts(this.dir, () => this.#chain.check.end.seq >= (this.#state?.seq ?? Number.POSITIVE_INFINITY));
    } catch (error) {
      const isMissing = error instanceof VirtshimError && error.code === 'VIRTSHIM_TRAIL_MISSING';
      const known = (this.#state?.seq ?? 0) > 0 || this.#chain.check.summary().missing > 0;
      if (!isMissing || !known) throw error;
    }
  }

  async #read({ file, blocks }: TrailPart): Promise<void> {
    this.#files.push(file);
    this.#chain.beginFile(file);
    let size = 0;
    try {
      for await (const lines of wholeLines(blocks)) {
        this.#chain.lines(lines);
        size += lines.length;
        this.options.onProgress?.(this.#bytes + size);
      }
    } catch (error) {
      if (!isDamage(error) || !(error instanceof VirtshimError)) throw error;
      this.#chain.unreadable(error.message);
    }
    this.#bytes += size;
    if (this.#chain.isWithinLine && !(await hasGrown(file, size))) this.#chain.unended();
  }

  #addRewritten({ rewritten, rewrittenCount }: NativeTrailSummary): void {
    for (const record of rewritten) {
      const place = { ...this.#placeOf(record), seq: record.seq, rid: record.rid };
      this.#chain.problems.add('rewritten', place, `the audit text remembers another record ${record.rid}`);
    }
    this.#chain.problems.count += rewrittenCount - rewritten.length;
  }

  #compareEnd(): void {
    const state = this.#state;
    const { end } = this.#chain.check;
    const place = { file: this.#files.at(-1) ?? join(this.dir, NEWEST), line: 0 };
    if (state !== undefined && state.seq > end.seq) {
      const message = `the trail ends at record ${end.seq}, but ${state.seq} were written`;
      this.#chain.problems.add('cut', { ...place, seq: end.seq + 1 }, message);
    } else if (state !== undefined && state.seq === end.seq && state.seq > 0 && state.chain !== end.chain) {
      const message = 'the last record is not the one that was written';
      this.#chain.problems.add('rewritten', { ...place, seq: state.seq }, message);
    }
  }

  /** What the audit text has and the trail has not, in the order of time. */
  async #addMissing(anchors: readonly AnchorFile[]): Promise<void> {
    const { first, removal } = this.#chain;
    const begin = removal === undefined || first === undefined ? 0 : timeOf(first.bytes) + LATE_MS;
    let missing: TextRecord[] = [];
    let count = 0;
    for await (const record of missingRecords(this.#chain.check, anchors)) {
      if (record.time < begin) continue;
      count++;
      missing.push(record);
      // The earliest ones are told; nobody has to remember the others.
      if (missing.length === 2 * MOST) missing = earliest(missing);
    }
    for (const record of earliest(missing)) {
      this.#chain.problems.add('missing', record, `${record.what} is in the audit text, but not in the trail`);
    }
    this.#chain.problems.count += count - Math.min(count, MOST);
  }

  #result(summary: NativeTrailSummary, anchors: readonly AnchorFile[]): TrailVerification {
    const { first, removal, problems, check } = this.#chain;
    const { records, anchored, unanchored, firstUnanchored, calls } = summary;
    return {
      ok: problems.count === 0,
      dir: this.dir,
      files: this.#files.map((file) => basename(file)),
      records,
      ...(first !== undefined && { first: first.seq, last: check.end.seq, head: check.end.chain }),
      ...(removal !== undefined && { removal }),
      endKnown: this.#state !== undefined,
      problems: problems.list,
      problemCount: problems.count,
      unanswered: calls
        .map(({ rid, seq, pid, event, ...at }) => ({ rid, seq, pid, ...this.#placeOf(at), event }))
        .sort((a, b) => a.seq - b.seq),
      anchors: anchors.map(({ file }) => file),
      anchored,
      ...(firstUnanchored !== undefined && {
        unanchored: { count: unanchored, first: this.#recordAt(firstUnanchored) },
      }),
    };
  }

  #recordAt({ rid, seq, ...at }: NativeRecordPlace): Unanchored['first'] {
    return { ...this.#placeOf(at), seq, rid };
  }

  #placeOf({ file, line }: { readonly file: number; readonly line: number }): TrailPlace {
    return { file: this.#files[file - 1] ?? '', line };
  }
}

/** Whether a line without its end is one that is being written. */
async function hasGrown(file: string, size: number): Promise<boolean> {
  if (basename(file) !== NEWEST) return false;
  await setTimeout(GROWING_MS);
  return ((await stat(file).catch(() => undefined))?.size ?? 0) > size;
}

function earliest(records: TextRecord[]): TextRecord[] {
  return records.sort((a, b) => a.time - b.time).slice(0, MOST);
}

function timeOf(record: Buffer): number {
  return Date.parse(/ time="([^"]*)"/.exec(record.toString('latin1', 0, 256))?.[1] ?? '');
}
