/** CSV (RFC 4180), for spreadsheets and databases. */
import { escapeValue } from '../trail/escape.js';

export type Cell = string | number | boolean | undefined;

/** What spreadsheets take for the beginning of a formula. */
const FORMULA = /^[=+\-@\t\r]/;

export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

/**
 * Texts have the escapes of the trail, so a record is one line whatever it holds. Where one would be taken for a
 * formula, it gets an apostrophe in front.
 */
function cellText(cell: Cell): string {
  if (typeof cell !== 'string') return cell === undefined ? '' : String(cell);
  const text = escapeValue(FORMULA.test(cell) ? `'${cell}` : cell);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
