import type { TrailLine } from '../../trail/record.js';
import type { Outcome } from '../outcome.js';
import { Output } from '../output.js';
import type { Printer } from './formats.js';
import { Problems } from './problems.js';

/** Prints the records, and on standard error what is none. `atOnce`: each as it comes, where they come slowly. */
export async function printRecords(
  lines: AsyncIterable<TrailLine>,
  printer: Printer,
  { atOnce = false } = {},
): Promise<Outcome> {
  const output = new Output();
  const problems = new Problems();
  for await (const line of lines) {
    const { record } = line;
    if (record === undefined) problems.report(line, line.problem ?? 'not a record');
    else await output.print(printer.print({ ...line, record }));
    if (atOnce) await output.flush();
  }
  await output.print(printer.end?.() ?? '');
  await output.flush();
  return problems.finish();
}
