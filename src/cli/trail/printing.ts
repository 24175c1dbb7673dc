import type { TrailLine } from '../../trail/record.js';
import type { Outcome } from '../outcome.js';
import { Output } from '../output.js';
import type { Printer } from './formats.js';
import { Problems } from './problems.js';

export interface PrintingOptions {
  /** Each record as it comes, where they come slowly. */
  readonly atOnce?: boolean;
  /** Called before anything is printed. */
  readonly onPrint?: () => void;
}

/** Prints the records, and on standard error what is none. */
export async function printRecords(
  lines: AsyncIterable<TrailLine>,
  printer: Printer,
  options: PrintingOptions = {},
): Promise<Outcome> {
  const { onPrint = () => {} } = options;
  const problems = new Problems(onPrint);
  try {
    await printAll(lines, printer, problems, options);
  } finally {
    onPrint();
  }
  return problems.finish();
}

async function printAll(
  lines: AsyncIterable<TrailLine>,
  printer: Printer,
  problems: Problems,
  { atOnce = false, onPrint }: PrintingOptions,
): Promise<void> {
  const output = new Output(onPrint);
  for await (const line of lines) {
    const { record } = line;
    if (record === undefined) problems.report(line, line.problem ?? 'not a record');
    else await output.print(printer.print({ ...line, record }));
    if (atOnce) await output.flush();
  }
  await output.print(printer.end?.() ?? '');
  await output.flush();
}
