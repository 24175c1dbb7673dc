import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { readAnchors } from './anchors.js';
import { type RawLine, readLines, trailFiles } from './lines.js';
import type { TrailPlace } from './record.js';
import { REMOVAL_NOTICE, REMOVAL_TEXT } from './removal.js';
import { readState } from './state.js';

export type TrailProblemKind =
  | 'changed' // a record does not match its chain value
  | 'removed' // records are missing before this one
  | 'added' // a record that does not belong here: inserted, repeated or out of order
  | 'not-a-record' // a line that no writer wrote
  | 'incomplete' // the last line has no end
  | 'cut' // the trail ends before its last record
  | 'rewritten'; // the audit text remembers another record of that id

export interface TrailProblem extends TrailPlace {
  readonly kind: TrailProblemKind;
  /** Sequence number of the record concerned, where it has one. */
  readonly seq?: number;
  /** For people; lower case, no final period. */
  readonly message: string;
}

/** A methodcall without its methodresponse: the process died in between, or the call is still running. */
export interface UnansweredCall extends TrailPlace {
  readonly rid: string;
  readonly seq: number;
  readonly pid: number;
  readonly event: string;
}

/** Old records that `trail rotate` removed, as the trail itself says: their absence is no problem. */
export interface Removal {
  /** Sequence number of the last one. */
  readonly upTo: number;
  /** The notice that says so, and the user who made it. */
  readonly seq: number;
  readonly uid: number;
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
  /** In the order of the trail: the first one names the first record that was changed, removed or added. */
  readonly problems: readonly TrailProblem[];
  readonly unanswered: readonly UnansweredCall[];
  /** How many records were also compared with their audit text. */
  readonly anchored: number;
}

export interface VerifyOptions {
  /** Files of audit text to compare with, besides the trail's own audit.log; for instance /var/log/audit/audit.log. */
  readonly anchors?: readonly string[];
}

const ZERO_CHAIN = '0'.repeat(64);
const ROOT =
  /^(<(methodcall|methodresponse|notice) rid="([0-9a-f]{16})" seq="(\d{1,16})" time="[^">]*") pid="(\d+)"[^>]* chain="([0-9a-f]{64})">/;

const NOTICE = new RegExp(`^[^>]* uid="(\\d+)"[^>]* kind="${REMOVAL_NOTICE}"[^>]*>([^<]*)<`);

interface ChainedLine extends TrailPlace {
  readonly type: string;
  readonly rid: string;
  readonly seq: number;
  readonly pid: number;
  readonly chain: string;
  /** Bytes before the pid: the part of the line that is hashed behind the rest. */
  readonly headSize: number;
  readonly chainAt: number;
  readonly bytes: Buffer;
}

/**
 * Verifies a trail: the hash chain over all files, its end against .trail.state, and the audit text that repeats chain
 * values. It tells the first record that was changed, removed or added. Who may write the trail AND the audit text can
 * forge both; see docs/records.md.
 * @param dir the trail's folder
 * @throws VirtshimError where there is no trail or it cannot be read
 */
export async function verifyTrail(dir: string, options: VerifyOptions = {}): Promise<TrailVerification> {
  // First of all: what is appended while this reads can only lie behind it.
  const state = await readState(join(dir, '.trail.state'));
  const files = await trailFiles(dir);
  const anchors = await readAnchors([join(dir, 'audit.log'), ...(options.anchors ?? [])]);
  const verifier = new Verifier(anchors);
  for (const file of files) {
    for await (const lines of readLines(file)) for (const line of lines) verifier.line(file, line);
  }
  return { dir, files: files.map((file) => basename(file)), ...verifier.finish(state, files.at(-1) ?? '') };
}

class Verifier {
  private readonly problems: TrailProblem[] = [];
  private readonly calls = new Map<string, UnansweredCall>();
  private previous = { seq: 0, chain: ZERO_CHAIN };
  /** A record that does not follow from the one before; the next one tells why. */
  private doubtful: ChainedLine | undefined;
  private records = 0;
  private anchored = 0;
  private first: ChainedLine | undefined;
  private removal: Removal | undefined;

  constructor(private readonly anchors: Map<string, string>) {}

  line(file: string, { bytes, line, complete }: RawLine): void {
    if (bytes.length === 0) return;
    const place = { file, line };
    const record = complete ? readRoot(place, bytes) : undefined;
    if (record !== undefined) this.record(record);
    else if (complete) this.problem('not-a-record', place, 'this is not a record');
    else this.problem('incomplete', place, 'the line is incomplete');
  }

  private record(record: ChainedLine): void {
    this.records++;
    this.pair(record);
    this.compareWithAnchor(record);
    if (this.first === undefined) this.begin(record);
    this.follow(record);
  }

  finish(state: { seq: number; chain: string } | undefined, lastFile: string) {
    if (this.doubtful !== undefined) this.settle(this.doubtful);
    const { first, removal } = this;
    if (first !== undefined && first.seq > 1 && removal === undefined) {
      this.problems.unshift(problemOf('removed', first, missingMessage(1, first.seq - 1)));
    }
    if (state !== undefined && state.seq > this.previous.seq) {
      const missing = { file: lastFile, line: 0, seq: this.previous.seq + 1 };
      this.problem('cut', missing, `the trail ends at record ${this.previous.seq}, but ${state.seq} were written`);
    } else if (state !== undefined && state.seq === this.previous.seq && state.chain !== this.previous.chain) {
      const last = { file: lastFile, line: 0, seq: state.seq };
      this.problem('rewritten', last, `the last record is not the one that was written`);
    }
    return {
      ok: this.problems.length === 0,
      records: this.records,
      ...(first !== undefined && { first: first.seq, last: this.previous.seq, head: this.previous.chain }),
      ...(removal !== undefined && { removal }),
      problems: this.problems,
      unanswered: [...this.calls.values()],
      anchored: this.anchored,
    };
  }

  private problem(kind: TrailProblemKind, place: TrailPlace & { seq?: number }, message: string): void {
    this.problems.push(problemOf(kind, place, message));
  }

  /** The oldest files may be gone: the chain is taken up where it begins, but not without saying so. */
  private begin(record: ChainedLine): void {
    this.first = record;
    if (record.seq > 1) this.previous = { seq: record.seq - 1, chain: '' };
  }

  private follow(record: ChainedLine): void {
    const { doubtful } = this;
    if (doubtful !== undefined) {
      this.doubtful = undefined;
      // Where the next record follows from the one before, the doubtful one was put in between.
      if (this.follows(record, this.previous)) this.problem('added', doubtful, addedMessage(doubtful));
      else this.settle(doubtful);
    }
    if (this.previous.chain === '' || this.follows(record, this.previous)) this.accept(record);
    else this.doubtful = record;
  }

  private follows(record: ChainedLine, previous: { seq: number; chain: string }): boolean {
    return record.seq === previous.seq + 1 && chainOf(previous.chain, record) === record.chain;
  }

  private accept(record: ChainedLine): void {
    this.previous = { seq: record.seq, chain: record.chain };
    if (record.type === 'notice' && this.first !== undefined) this.removal ??= removalBefore(this.first, record);
  }

  /** Nothing follows from the record before any more: go on from the doubtful one, whatever it is. */
  private settle(record: ChainedLine): void {
    const { seq } = this.previous;
    if (record.seq > seq + 1) this.problem('removed', record, missingMessage(seq + 1, record.seq - 1));
    else if (record.seq <= seq) this.problem('added', record, addedMessage(record));
    else this.problem('changed', record, `record ${record.seq} or its chain value was changed`);
    if (record.seq > seq) this.accept(record);
  }

  private pair(record: ChainedLine): void {
    if (record.type === 'methodresponse') this.calls.delete(record.rid);
    if (record.type !== 'methodcall') return;
    const { rid, seq, pid, file, line } = record;
    this.calls.set(rid, { rid, seq, pid, file, line, event: eventOf(record) });
  }

  private compareWithAnchor(record: ChainedLine): void {
    if (record.type !== 'methodresponse') return;
    const anchor = this.anchors.get(record.rid);
    if (anchor === undefined) return;
    this.anchored++;
    if (!record.chain.startsWith(anchor)) {
      this.problem('rewritten', record, `the audit text remembers another record ${record.rid}`);
    }
  }
}

function problemOf(kind: TrailProblemKind, place: TrailPlace & { seq?: number }, message: string): TrailProblem {
  const { file, line, seq } = place;
  return { kind, file, line, ...(seq !== undefined && { seq }), message };
}

/** What a notice of `trail rotate` says was removed, where exactly that is missing before `first`. */
function removalBefore(first: ChainedLine, notice: ChainedLine): Removal | undefined {
  const [, uid, text = ''] = NOTICE.exec(notice.bytes.toString('latin1')) ?? [];
  const [, last, chain = ''] = REMOVAL_TEXT.exec(text) ?? [];
  const told = Number(last) === first.seq - 1 && chainOf(chain, first) === first.chain;
  return told ? { upTo: first.seq - 1, seq: notice.seq, uid: Number(uid) } : undefined;
}

function readRoot(place: TrailPlace, bytes: Buffer): ChainedLine | undefined {
  const head = bytes.toString('latin1', 0, bytes.indexOf('>') + 1);
  const match = ROOT.exec(head);
  if (match === null) return undefined;
  const [, start = '', type = '', rid = '', seq, pid, chain = ''] = match;
  const chainAt = head.length - '">'.length - ZERO_CHAIN.length;
  return { ...place, type, rid, seq: Number(seq), pid: Number(pid), chain, headSize: start.length, chainAt, bytes };
}

function chainOf(previous: string, { bytes, headSize, chainAt }: ChainedLine): string {
  return createHash('sha256')
    .update(bytes.subarray(headSize, chainAt))
    .update(bytes.subarray(chainAt + ZERO_CHAIN.length))
    .update(bytes.subarray(0, headSize))
    .update(previous, 'hex')
    .digest('hex');
}

function eventOf({ bytes }: ChainedLine): string {
  return /<event>(\w+)<\/event>/.exec(bytes.toString('latin1'))?.[1] ?? '';
}

function missingMessage(from: number, to: number): string {
  return from === to ? `record ${from} is missing` : `records ${from} to ${to} are missing`;
}

function addedMessage({ seq }: ChainedLine): string {
  return `a record with the number ${seq} was added, repeated or moved here`;
}
