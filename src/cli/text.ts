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
      const width = displayWidth(cell);
      widths[column] = Math.max(widths[column] ?? 0, width > WIDEST ? 0 : width);
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
  const padded = (cell: string, column: number) =>
    cell.padEnd((widths[column] ?? 0) + cell.length - displayWidth(cell));
  const cells = row.map((cell, column) => paint(padded(cell, column), column));
  return `${cells.join('  ').trimEnd()}\n`;
}

const NARROW = /^[ -~]*$/;
/** Marks that stand over the letter before them. */
const NO_WIDTH = /\p{M}/u;
/** Scripts of East Asia, their punctuation and full-width forms, and emoji. */
const TWO_COLUMNS =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** The columns of a terminal that a text takes. */
export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += NO_WIDTH.test(character) ? 0 : TWO_COLUMNS.test(character) ? 2 : 1;
  return width;
}
