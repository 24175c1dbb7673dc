/** Records as a table for people: one row a call. */
import { printable } from '../../printable.js';
import type { TrailRecord } from '../../trail/record.js';
import { verdictOf } from '../../trail/verdict.js';
import { painter, type Style } from '../style.js';
import { columnWidths, tableLine } from '../text.js';
import type { Printer, RecordLine } from './formats.js';
import { userNames } from './users.js';

const HEADINGS = ['TIME (UTC)', 'USER', 'ASSERTED', 'PROGRAM', 'CALL', 'ON', 'OUTCOME', 'WHY', 'RECORD'];
const ASSERTED = HEADINGS.indexOf('ASSERTED');
const OUTCOME = HEADINGS.indexOf('OUTCOME');

const STYLES: Readonly<Record<string, Style>> = {
  permitted: 'green',
  failed: 'yellow',
  denied: 'red',
  'would-deny': 'yellow',
  unanswered: 'yellow',
};

/** So many rows are looked at before the first one is printed: they say how wide the columns are. */
const LOOKED_AT = 1000;
/** So many rows wait behind an attempt for its outcome. */
const WAITING = 20_000;

interface Row {
  readonly cells: readonly string[];
  /** Of an attempt that has no outcome yet. */
  readonly rid?: string;
}

/**
 * A table of any length in bounded memory. An attempt is a row only where its outcome is not there: the program died,
 * or the call still lasts.
 */
export class TablePrinter implements Printer {
  readonly #rowOf = rowMaker();
  readonly #attempts = new Map<string, Row>();
  readonly #answered = new Set<Row>();
  #rows: Row[] = [];
  #layout: Layout | undefined;

  print({ record }: RecordLine): string {
    if (record.type === 'methodresponse') this.#answer(record.rid);
    const row = { cells: this.#rowOf(record), ...(record.type === 'methodcall' && { rid: record.rid }) };
    if (record.type === 'methodcall') this.#attempts.set(record.rid, row);
    this.#rows.push(row);
    return this.#rows.length < LOOKED_AT && this.#layout === undefined ? '' : this.#ready();
  }

  end(): string {
    if (this.#layout === undefined && this.#rows.length === 0) return 'no records\n';
    return this.#text(this.#rows.splice(0), true);
  }

  #answer(rid: string): void {
    const row = this.#attempts.get(rid);
    if (row === undefined) return;
    this.#attempts.delete(rid);
    this.#answered.add(row);
  }

  /** The rows up to the first attempt whose outcome may still come. */
  #ready(): string {
    const waiting = this.#rows.findIndex(({ rid }) => rid !== undefined && this.#attempts.has(rid));
    const count = waiting === -1 ? this.#rows.length : waiting;
    if (count > 0) return this.#text(this.#rows.splice(0, count));
    return this.#rows.length > WAITING ? this.#giveUp() : '';
  }

  #giveUp(): string {
    const rows = this.#rows.splice(0, 1);
    for (const { rid = '' } of rows) this.#attempts.delete(rid);
    return this.#text(rows) + this.#ready();
  }

  #text(rows: readonly Row[], last = false): string {
    const shown = rows.filter((row) => !this.#answered.delete(row)).map(({ cells }) => cells);
    if (this.#layout !== undefined) return this.#layout.lines(shown);
    const known = [...shown, ...this.#rows.map(({ cells }) => cells)];
    // Only with all rows at hand it is known that nothing is asserted.
    this.#layout = new Layout(known, !last || known.some((cells) => cells[ASSERTED] !== ''));
    return this.#layout.heading() + this.#layout.lines(shown);
  }
}

/** Rows at once, as they come: for a trail that is followed. Attempts that are never answered come last. */
export class LivePrinter implements Printer {
  readonly #rowOf = rowMaker();
  readonly #layout = new Layout([WIDTHS], true);
  readonly #attempts = new Map<string, readonly string[]>();
  #begun = false;

  print({ record }: RecordLine): string {
    if (record.type === 'methodcall') {
      if (this.#attempts.size < WAITING) this.#attempts.set(record.rid, this.#rowOf(record));
      return '';
    }
    this.#attempts.delete(record.rid);
    return this.#text([this.#rowOf(record)]);
  }

  end(): string {
    return this.#attempts.size === 0 ? '' : this.#text([...this.#attempts.values()]);
  }

  #text(rows: readonly (readonly string[])[]): string {
    const heading = this.#begun ? '' : this.#layout.heading();
    this.#begun = true;
    return heading + this.#layout.lines(rows);
  }
}

/** Cells as wide as what is usual, where nothing is known yet. */
const WIDTHS = [19, 8, 8, 12, 26, 24, 10, 24, 16].map((width) => 'x'.repeat(width));

class Layout {
  readonly #paint = painter(process.stdout);
  readonly #columns: readonly number[];
  readonly #widths: readonly number[];

  constructor(rows: readonly (readonly string[])[], asserted: boolean) {
    this.#columns = HEADINGS.map((_, column) => column).filter((column) => asserted || column !== ASSERTED);
    this.#widths = columnWidths([HEADINGS, ...rows].map((row) => this.#chosen(row)));
  }

  heading(): string {
    return tableLine(this.#chosen(HEADINGS), this.#widths, (cell) => this.#paint('bold', cell));
  }

  lines(rows: readonly (readonly string[])[]): string {
    return rows.map((row) => tableLine(this.#chosen(row), this.#widths, (cell, at) => this.#cell(cell, at))).join('');
  }

  #cell(cell: string, at: number): string {
    const style = this.#columns[at] === OUTCOME ? STYLES[cell.trim()] : undefined;
    return style === undefined ? cell : this.#paint(style, cell);
  }

  #chosen(row: readonly string[]): string[] {
    return this.#columns.map((column) => row[column] ?? '');
  }
}

function rowMaker(): (record: TrailRecord) => string[] {
  const nameOf = userNames();
  const cells = (record: TrailRecord) => [
    record.time.slice(0, 19).replace('T', ' '),
    nameOf(record.uid),
    describeAssertion(record),
    record.comm,
    record.event ?? `(${record.notice?.kind ?? 'notice'})`,
    describeResource(record),
    outcome(record),
    reason(record),
    record.rid,
  ];
  // A line that no writer wrote may hold anything anywhere.
  return (record) => cells(record).map(printable);
}

/** What the program says about itself, apart from who it is. */
function describeAssertion({ asserted }: TrailRecord): string {
  const { actor, via, reason } = asserted ?? {};
  return [actor, via && `via ${via}`, reason && `(${reason})`].filter((part) => part).join(' ');
}

function describeResource({ resource, connection }: TrailRecord): string {
  if (resource === undefined) return '';
  if (resource.kind === 'connect') return connection?.uri ?? 'connect';
  return `${resource.kind} ${resource.name ?? resource.uuid ?? '?'}`;
}

function outcome(record: TrailRecord): string {
  if (record.type === 'notice') return '';
  return record.type === 'methodcall' ? 'unanswered' : verdictOf(record);
}

function reason({ decision, error, notice }: TrailRecord): string {
  if (notice !== undefined) return notice.text;
  if (decision !== undefined && decision.effect !== 'permitted') return decision.reason;
  return error?.message ?? decision?.rule ?? '';
}
