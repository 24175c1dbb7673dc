/** Rows of a report as a table for people. */
import { printable } from '../../printable.js';
import type { Attribution } from '../../report/attribution.js';
import type { ReportRow } from '../../report/rows.js';
import { painter, type Style } from '../style.js';
import { columnWidths, tableLine } from '../text.js';
import { userNames } from '../trail/users.js';
import { shortCause } from './caller_text.js';

export interface TableOptions {
  readonly showUuid: boolean;
  readonly proof: boolean;
}

interface Column {
  readonly heading: string;
  readonly cell: (row: ReportRow) => string;
}

export function sessionTable(rows: readonly ReportRow[], options: TableOptions): Iterable<string> {
  if (rows.length === 0) return ['no sessions\n'];
  return tableLines(rows, [
    ...guestColumns(rows, options),
    { heading: 'USER', cell: userOf() },
    { heading: 'START', cell: ({ from }) => momentText(from) },
    { heading: 'END', cell: endOf },
    { heading: 'DURATION', cell: durationOf },
    { heading: 'STARTED', cell: ({ reason }) => reason ?? '' },
    { heading: 'ENDED', cell: ({ value }) => value ?? '' },
    ...callerColumns(rows, 'STARTED BY', 'ENDED BY'),
    ...proofColumn(options),
  ]);
}

export function eventTable(rows: readonly ReportRow[], options: TableOptions): Iterable<string> {
  if (rows.length === 0) return ['no events\n'];
  return tableLines(rows, [
    { heading: 'TIME', cell: ({ from }) => momentText(from) },
    { heading: 'EVENT', cell: ({ type }) => type },
    ...guestColumns(rows, options),
    { heading: 'USER', cell: userOf() },
    { heading: 'UNTIL', cell: endOf },
    { heading: 'DURATION', cell: durationOf },
    { heading: 'KIND', cell: ({ kind }) => kind ?? '' },
    { heading: 'REASON', cell: ({ reason }) => reason ?? '' },
    { heading: 'WHAT', cell: ({ value }) => value ?? '' },
    ...callerColumns(rows, 'BY', 'UNDONE BY'),
    ...proofColumn(options),
  ]);
}

function guestColumns(rows: readonly ReportRow[], { showUuid }: TableOptions): Column[] {
  const nodes = rows.some(({ node }) => node !== undefined);
  return [
    ...(nodes ? [{ heading: 'HOST', cell: ({ node }: ReportRow) => node ?? '' }] : []),
    { heading: 'GUEST', cell: ({ guest }) => guest.name ?? '' },
    ...(showUuid ? [{ heading: 'UUID', cell: ({ guest }: ReportRow) => guest.uuid ?? '' }] : []),
  ];
}

/** Where no call is known at all, there is nothing to tell. */
function callerColumns(rows: readonly ReportRow[], began: string, ended: string): Column[] {
  if (!rows.some(({ by, endBy }) => isKnown(by) || isKnown(endBy))) return [];
  const nameOf = userNames();
  return [
    { heading: began, cell: ({ by }) => shortCause(by, nameOf) },
    { heading: ended, cell: ({ endBy }) => shortCause(endBy, nameOf) },
  ];
}

const isKnown = (cause: Attribution | undefined): boolean => cause !== undefined && cause.kind !== 'none';

function proofColumn({ proof }: TableOptions): Column[] {
  return proof ? [{ heading: 'PROOF', cell: (row) => row.proof.map(({ id }) => id).join(', ') }] : [];
}

function userOf(): (row: ReportRow) => string {
  const names = userNames();
  return ({ subject }) => subject.userName ?? (subject.uid === undefined ? '' : names(subject.uid));
}

/** `<` stands before what is only known to be over by then. */
function endOf({ to, state }: ReportRow): string {
  if (state === 'failed') return 'failed';
  if (state === 'open') return '-';
  return to === undefined ? '' : `${state === 'latest' ? '<' : ''}${momentText(to)}`;
}

function durationOf({ from, to, state }: ReportRow): string {
  if (from === undefined || to === undefined || state === 'failed') return '';
  return `${state === 'latest' ? '<' : ''}${durationText(to - from)}`;
}

const minutes = new Map<number, string>();

/** Local time, to the second. Many times are of the same minute. */
export function momentText(time: number | undefined): string {
  if (time === undefined) return '?';
  const minute = Math.floor(time / 60_000);
  const text = minutes.get(minute) ?? minuteText(minute);
  if (minutes.size > 10_000) minutes.clear();
  minutes.set(minute, text);
  return `${text}:${two(Math.floor(time / 1000) % 60)}`;
}

const two = (part: number) => String(part).padStart(2, '0');

function minuteText(minute: number): string {
  const date = new Date(minute * 60_000);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `1:30:00`, `2d 01:30:00`. */
export function durationText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return days > 0 ? `${days}d ${two(hours)}:${clock}` : `${hours}:${clock}`;
}

const STYLES: Readonly<Record<string, Style>> = { failed: 'yellow', latest: 'yellow', avc: 'red', anomaly: 'red' };

/** So many rows say how wide the columns are: of longer reports not all cells are kept at once. */
const LOOKED_AT = 1000;

function* tableLines(rows: readonly ReportRow[], columns: readonly Column[]): Generator<string> {
  const paint = painter(process.stdout);
  const headings = columns.map(({ heading }) => heading);
  const cells = (row: ReportRow) => columns.map(({ cell }) => printable(cell(row)));
  const first = rows.slice(0, LOOKED_AT).map(cells);
  const widths = columnWidths([headings, ...first]);
  yield tableLine(headings, widths, (text) => paint('bold', text));
  for (const [index, row] of rows.entries()) {
    const style = STYLES[row.type] ?? STYLES[row.state];
    yield tableLine(first[index] ?? cells(row), widths, (text) => (style === undefined ? text : paint(style, text)));
  }
}
