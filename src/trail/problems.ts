import type { TrailPlace } from './record.js';

export type TrailProblemKind =
  | 'changed' // a record does not match its chain value
  | 'removed' // records are missing before this one
  | 'added' // a record that does not belong here: inserted, repeated or out of order
  | 'not-a-record' // a line that no writer wrote
  | 'incomplete' // the last line has no end
  | 'unreadable' // a compressed file is cut or damaged
  | 'cut' // the trail ends before its last record
  | 'missing' // the audit text has a record that the trail has not
  | 'rewritten'; // the audit text remembers another record of that id

export interface TrailProblem extends TrailPlace {
  readonly kind: TrailProblemKind;
  /** Sequence number of the record concerned, where it has one. */
  readonly seq?: number;
  readonly rid?: string;
  /** For people; lower case, no final period. */
  readonly message: string;
}

/** So many are told; of more only their number. */
export const MOST = 1000;

/** What is wrong with a trail, in the order in which it was found. */
export class Problems {
  readonly list: TrailProblem[] = [];
  count = 0;

  add(kind: TrailProblemKind, place: TrailPlace & { seq?: number; rid?: string }, message: string): void {
    this.count++;
    if (this.list.length >= MOST) return;
    const { file, line, seq, rid } = place;
    this.list.push({ kind, file, line, ...(seq !== undefined && { seq }), ...(rid !== undefined && { rid }), message });
  }

  /** Some are known at the end only: puts them in the order of the files and lines. */
  sort(files: readonly string[]): void {
    this.list.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
  }
}
