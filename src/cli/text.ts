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

/** Lines of aligned columns, two spaces apart, without trailing blanks. `paint` colours a padded cell. */
export function table(
  rows: readonly (readonly string[])[],
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length > WIDEST ? 0 : cell.length);
    });
  }
  const line = (row: readonly string[], index: number) =>
    row
      .map((cell, column) => paint(cell.padEnd(widths[column] ?? 0), index, column))
      .join('  ')
      .trimEnd();
  return rows.map((row, index) => `${line(row, index)}\n`).join('');
}
