/** Rows of a report for programs: JSON lines and CSV. Times are UTC. */
import type { ReportRow } from '../../report/rows.js';
import { type Cell, csvLine } from '../csv.js';
import { jsonText } from '../text.js';

/** A row as an object of plain values; what is not known is left out. */
function plain(row: ReportRow): Record<string, Cell | string[]> {
  const { type, guest, node, subject, from, to, state, kind, reason, value, proof } = row;
  const session = type === 'session' || type === 'start';
  return {
    type,
    guest: guest.name,
    uuid: guest.uuid,
    node,
    user: subject.userName,
    uid: subject.uid,
    pid: subject.pid,
    start: iso(from),
    end: iso(to),
    seconds: from === undefined || to === undefined ? undefined : Math.round(to - from) / 1000,
    state,
    kind,
    reason,
    ...(session ? { ended: value } : { what: value }),
    proof: proof.map(({ id }) => id),
  };
}

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

export function* jsonLines(rows: readonly ReportRow[]): Generator<string> {
  for (const row of rows) yield `${jsonText(plain(row))}\n`;
}

const COLUMNS = [
  ...['type', 'guest', 'uuid', 'node', 'user', 'uid', 'pid', 'start', 'end', 'seconds', 'state', 'kind', 'reason'],
  ...['ended', 'what', 'proof'],
];

export function* csvLines(rows: readonly ReportRow[]): Generator<string> {
  yield csvLine(COLUMNS);
  for (const row of rows) {
    const values = plain(row);
    yield csvLine(
      COLUMNS.map((column) => {
        const value = values[column];
        return Array.isArray(value) ? value.join(' ') : value;
      }),
    );
  }
}
