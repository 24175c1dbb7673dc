/** Rows of a report for programs: JSON lines and CSV. Times are UTC. */
import type { Attribution } from '../../report/attribution.js';
import type { ReportRow } from '../../report/rows.js';
import { type Cell, csvLine } from '../csv.js';
import { jsonText } from '../text.js';
import { userNames } from '../trail/users.js';
import { type NameOf, shortCause } from './caller_text.js';

/** A row as an object of plain values; what is not known is left out. */
function plain(row: ReportRow, nameOf: NameOf): Record<string, Cell | string[]> {
  const { type, guest, node, subject, from, to, state, kind, reason, value, proof, by, endBy } = row;
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
    by: causeOf(by, nameOf),
    endBy: causeOf(endBy, nameOf),
  };
}

/** As in the table; `report --timeline --format json` tells more. */
function causeOf(cause: Attribution | undefined, nameOf: NameOf): string | undefined {
  return cause && shortCause(cause, nameOf);
}

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}

export function* jsonLines(rows: readonly ReportRow[]): Generator<string> {
  const nameOf = userNames();
  for (const row of rows) yield `${jsonText(plain(row, nameOf))}\n`;
}

const COLUMNS = [
  ...['type', 'guest', 'uuid', 'node', 'user', 'uid', 'pid', 'start', 'end', 'seconds', 'state', 'kind', 'reason'],
  ...['ended', 'what', 'proof', 'by', 'endBy'],
];

export function* csvLines(rows: readonly ReportRow[]): Generator<string> {
  const nameOf = userNames();
  yield csvLine(COLUMNS);
  for (const row of rows) {
    const values = plain(row, nameOf);
    yield csvLine(
      COLUMNS.map((column) => {
        const value = values[column];
        return Array.isArray(value) ? value.join(' ') : value;
      }),
    );
  }
}
