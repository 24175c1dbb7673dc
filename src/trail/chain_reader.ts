import { native } from '../native.js';
import type { ChainPosition } from './position.js';
import { Problems } from './problems.js';
import type { TrailPlace } from './record.js';
import { REMOVAL_NOTICE, REMOVAL_TEXT } from './removal.js';

const LINE_END = 0x0a;

/** Old records that `trail rotate` removed, as the trail itself says: their absence is no problem. */
export interface Removal {
  /** Sequence number of the last one. */
  readonly upTo: number;
  /** The notice that says so, and the user who made it. */
  readonly seq: number;
  readonly uid: number;
}

/** A record that was looked at. */
interface ChainedLine extends TrailPlace, ChainPosition {
  readonly rid: string;
  readonly notice: boolean;
  readonly bytes: Buffer;
}

const NOTICE = new RegExp(`^[^>]* uid="(\\d+)"[^>]* kind="${REMOVAL_NOTICE}"[^>]*>([^<]*)<`);

/**
 * Follows a trail's chain, file by file. What follows is gone over natively, a block at a time; what does not is looked at
 * here, to tell what was done to it.
 */
export class ChainReader {
  readonly check;
  readonly problems = new Problems();
  /** The first record of all. */
  first: ChainedLine | undefined;
  removal: Removal | undefined;
  /** The file ended within a line. */
  isWithinLine = false;
  #file = '';
  /** A record that does not follow from the one before; the next one tells why. */
  #doubtful: ChainedLine | undefined;
  /** Where the files that are over ended: chain values by sequence number. */
  readonly #ends = new Map<number, string>();

  constructor(trailIds: readonly string[]) {
    this.check = new (native().TrailCheck)(trailIds);
  }

  beginFile(file: string): void {
    const { seq, chain } = this.check.end;
    if (seq > 0) this.#ends.set(seq, chain);
    this.#file = file;
    this.isWithinLine = false;
    this.check.beginFile();
  }

  /** Takes lines in; only the last one of a file may have no end. */
  lines(lines: Buffer): void {
    for (let rest = lines; rest.length > 0; ) {
      if (this.first !== undefined && this.#doubtful === undefined) {
        rest = rest.subarray(this.check.follow(rest));
        if (rest.length === 0) return;
      }
      const end = rest.indexOf(LINE_END);
      this.isWithinLine = end === -1;
      if (this.isWithinLine) return;
      this.#look(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
  }

  /** A last line that has no end. */
  unended(): void {
    this.problems.add('incomplete', { file: this.#file, line: this.check.line + 1 }, 'the line is incomplete');
  }

  unreadable(reason: string): void {
    this.problems.add('unreadable', { file: this.#file, line: this.check.line + 1 }, reason);
  }

  /** No more lines will come. */
  finish(): void {
    if (this.#doubtful !== undefined) this.#settle(this.#doubtful);
    this.#doubtful = undefined;
    const { first, removal } = this;
    if (first !== undefined && first.seq > 1 && removal === undefined) {
      this.problems.add('removed', first, missingMessage(1, first.seq - 1));
    }
  }

  #look(bytes: Buffer): void {
    const root = this.check.look(bytes);
    const place = { file: this.#file, line: this.check.line };
    if (root !== undefined) this.#record({ ...place, ...root, bytes });
    else if (bytes.length > 0) this.problems.add('not-a-record', place, 'this is not a record');
  }

  #record(record: ChainedLine): void {
    this.check.note(record.bytes);
    if (this.first === undefined) this.#begin(record);
    else this.#follow(record);
  }

  /** The oldest files may be gone: the chain is taken up where it begins, but not without saying so. */
  #begin(record: ChainedLine): void {
    const kept = copyOf(record);
    this.first = kept;
    if (record.seq > 1) this.#accept(kept);
    else this.#follow(kept);
  }

  #follow(record: ChainedLine): void {
    const doubtful = this.#doubtful;
    if (doubtful !== undefined) {
      this.#doubtful = undefined;
      // Where the next record follows from the one before, the doubtful one was put in between.
      if (this.#follows(record, this.check.end)) this.problems.add('added', doubtful, addedMessage(doubtful));
      else this.#settle(doubtful, record);
    }
    if (this.#follows(record, this.check.end)) this.#accept(record);
    else this.#doubtful = copyOf(record);
  }

  #follows({ seq, bytes }: ChainedLine, from: ChainPosition): boolean {
    return seq === from.seq + 1 && this.check.follows(bytes, from);
  }

  #accept(record: ChainedLine): void {
    this.check.end = { seq: record.seq, chain: record.chain };
    if (record.notice && this.first !== undefined) this.removal ??= this.#removalBefore(this.first, record);
  }

  /** Nothing follows from the record before any more: go on from the doubtful one, whatever it is. */
  #settle(record: ChainedLine, next?: ChainedLine): void {
    const { seq } = this.check.end;
    const number = seq + 1;
    // What comes next knows the doubtful one, by another number: that is what was changed.
    const renumbered = next?.seq === number + 1 && this.check.follows(next.bytes, record);
    if (renumbered && record.seq !== number) {
      this.problems.add('changed', { ...record, seq: number }, changedMessage(number));
      this.check.end = { seq: number, chain: record.chain };
      return;
    }
    if (record.seq > number) this.problems.add('removed', record, missingMessage(number, record.seq - 1));
    else if (record.seq <= seq) this.problems.add('added', record, addedMessage(record));
    else this.problems.add('changed', record, changedMessage(number));
    if (record.seq > seq) this.#accept(record);
  }

  /**
   * What a notice of `trail rotate` says was removed, where that is what is missing before `first`. It is written before
   * the files are removed: some of them may still be there, up to the record that it names.
   */
  #removalBefore(first: ChainedLine, notice: ChainedLine): Removal | undefined {
    const [, uid, text = ''] = NOTICE.exec(notice.bytes.toString('latin1')) ?? [];
    const [, last, chain = ''] = REMOVAL_TEXT.exec(text) ?? [];
    const told = { seq: Number(last), chain };
    const isIt = this.#follows(first, told) || (first.seq <= told.seq && this.#ends.get(told.seq) === chain);
    return isIt ? { upTo: first.seq - 1, seq: notice.seq, uid: Number(uid) } : undefined;
  }
}

/** The block that a line stands in is good for a moment only. */
function copyOf(record: ChainedLine): ChainedLine {
  return { ...record, bytes: Buffer.from(record.bytes) };
}

function changedMessage(seq: number): string {
  return `record ${seq} or its chain value was changed`;
}

function missingMessage(from: number, to: number): string {
  return from === to ? `record ${from} is missing` : `records ${from} to ${to} are missing`;
}

function addedMessage({ seq }: ChainedLine): string {
  return `a record with the number ${seq} was added, repeated or moved here`;
}
