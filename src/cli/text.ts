/**
 * JSON on one line, or indented, that leaves no character to steer or confuse a terminal: \uXXXX stands for them.
 * Integers that readers of JSON would round become strings.
 */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, exactly, indent).replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function exactly(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** A longer cell is shown whole, but does not widen its column: one hostile name would pad every other line. */
const WIDEST = 64;

type Rows = readonly (readonly string[])[];
type PaintCell = (cell: string, row: number, column: number) => string;

/** Lines of aligned columns, two spaces apart, without trailing blanks. `paint` colours a padded cell. */
export function table(rows: Rows, paint: PaintCell = (cell) => cell): string {
  const widths = columnWidths(rows);
  return rows.map((row, index) => tableLine(row, widths, (cell, column) => paint(cell, index, column))).join('');
}

/** How wide the columns have to be. */
export function columnWidths(rows: Rows): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length > WIDEST ? 0 : cell.length);
    });
  }
  return widths;
}

/** One line of a table, with its line end; a cell that is wider than its column pushes the rest of the line aside. */
export function tableLine(
  row: readonly string[],
  widths: readonly number[],
  paint: (cell: string, column: number) => string,
): string {
  const cells = row.map((cell, column) => paint(cell.padEnd(widths[column] ?? 0), column));
  return `${cells.join('  ').trimEnd()}\n`;
}
