/** Records as a table for people: one row a call. */
import { printable } from '../../printable.js';
import type { TrailRecord } from '../../trail/record.js';
import { painter, type Style } from '../style.js';
import { table } from '../text.js';
import { verdictOf } from './filter.js';
import { userNames } from './users.js';

const HEADINGS = ['TIME (UTC)', 'USER', 'ASSERTED', 'PROGRAM', 'CALL', 'ON', 'OUTCOME', 'WHY', 'RECORD'];
const ASSERTED = HEADINGS.indexOf('ASSERTED');

const STYLES: Readonly<Record<string, Style>> = {
  permitted: 'green',
  failed: 'yellow',
  denied: 'red',
  'would-deny': 'yellow',
  unanswered: 'yellow',
};

export function asTable(records: readonly TrailRecord[]): string {
  const rows = withoutAnswered(records).map(rowMaker());
  if (rows.length === 0) return 'no records\n';
  const paint = painter(process.stdout);
  const shown = rows.some((row) => row[ASSERTED] !== '') ? HEADINGS : HEADINGS.filter((_, at) => at !== ASSERTED);
  const lines = [HEADINGS, ...rows].map((row) => row.filter((_, at) => shown.includes(HEADINGS[at] ?? '')));
  return table(lines, (cell, row, column) => {
    if (row === 0) return paint('bold', cell);
    const style = shown[column] === 'OUTCOME' ? STYLES[cell.trim()] : undefined;
    return style === undefined ? cell : paint(style, cell);
  });
}

/** An attempt is a row only where its outcome is not there: the program died, or the call still lasts. */
function withoutAnswered(records: readonly TrailRecord[]): TrailRecord[] {
  const answered = new Set(records.filter(({ type }) => type === 'methodresponse').map(({ rid }) => rid));
  return records.filter(({ type, rid }) => type !== 'methodcall' || !answered.has(rid));
}

function rowMaker(): (record: TrailRecord) => string[] {
  const nameOf = userNames();
  return (record) => [
    record.time.slice(0, 19).replace('T', ' '),
    printable(nameOf(record.uid)),
    printable(describeAssertion(record)),
    printable(record.comm),
    record.event ?? `(${record.notice?.kind ?? 'notice'})`,
    printable(describeResource(record)),
    outcome(record),
    printable(reason(record)),
    record.rid,
  ];
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
