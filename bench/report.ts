/** Figures as a table for people, and set against an earlier run. */
import { type Figure, meetsLimit } from './figures.js';

const decimals: Readonly<Record<Figure['unit'], number>> = { ns: 1, ms: 2, KiB: 0, x: 2 };

function amount(value: number, unit: Figure['unit']): string {
  return `${value.toFixed(decimals[unit])}${unit === 'x' ? '' : ' '}${unit}`;
}

function referenceText(figure: Figure): string {
  return figure.unit === 'x' ? `${figure.reference.toFixed(0)} ns` : amount(figure.reference, figure.unit);
}

/** One line for each figure. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.section,
    figure.name,
    String(figure.rules),
    amount(figure.value, figure.unit),
    `<= ${amount(figure.limit, figure.unit)}`,
    meetsLimit(figure) ? 'ok' : 'OVER',
    referenceText(figure),
  ]);
  const head = ['section', 'what', 'rules', 'added or ratio', 'limit', '', 'against'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

const key = (figure: Figure) => `${figure.section} / ${figure.name} / ${figure.rules}`;

/** Figures whose ratio grew by more than `factor` since the baseline, and by more than noise. */
export function regressions(figures: readonly Figure[], baseline: readonly Figure[], factor: number): string[] {
  const before = new Map(baseline.map((figure) => [key(figure), figure]));
  return figures.flatMap((figure) => {
    const old = before.get(key(figure));
    if (old === undefined || figure.ratio <= old.ratio * factor) return [];
    return [`${key(figure)}: ratio ${figure.ratio.toFixed(3)}, in the baseline ${old.ratio.toFixed(3)}`];
  });
}
