/** `virtshim report`: sessions, everything that happened in them, or how much there is of it. */
import { EVERYTHING } from '../../audit/wanted.js';
import { eventRows, sessionRows } from '../../report/rows.js';
import { select } from '../../report/selection.js';
import type { SessionReport } from '../../report/session.js';
import { summaryOf } from '../../report/summary.js';
import type { CauseOf } from '../../report/timeline.js';
import type { Outcome } from '../outcome.js';
import { Output } from '../output.js';
import { jsonText } from '../text.js';
import { csvLines, jsonLines } from './data.js';
import { LogReading } from './reading.js';
import { periodOf, type ReportOptions } from './request.js';
import { summaryText } from './summary.js';
import { eventTable, sessionTable } from './table.js';
import { readSessions } from './timeline_sources.js';

export async function reportSessions(options: ReportOptions): Promise<Outcome> {
  const { vm, uuid } = options;
  const period = periodOf(options);
  const reading = new LogReading();
  const all = options.allEvents === true || options.summary === true;
  // A summary counts what the logs hold.
  const sources = options.summary === true ? { ...options, trail: [] } : options;
  const wanted = all ? EVERYTHING : { resources: false, security: false };
  const { report: whole, causeOf } = await readSessions(reading, sources, wanted);
  const output = new Output();
  for (const text of texts(select(whole, { ...period, vm, uuid }), options, causeOf)) await output.print(text);
  await output.flush();
  if (options.debug === true) tell(whole);
  return reading.finish();
}

function* texts(report: SessionReport, options: ReportOptions, causeOf: CauseOf): Iterable<string> {
  if (options.summary === true) {
    const summary = summaryOf(report);
    yield options.format === 'json' ? `${jsonText(summary)}\n` : summaryText(summary);
    return;
  }
  const all = options.allEvents === true;
  const rows = all ? eventRows(report, causeOf) : sessionRows(report, causeOf);
  const columns = { showUuid: options.showUuid === true, proof: options.proof === true };
  if (options.format === 'json') yield* jsonLines(rows);
  else if (options.format === 'csv') yield* csvLines(rows);
  else yield* all ? eventTable(rows, columns) : sessionTable(rows, columns);
}

function tell({ sessions, hosts, unmatched }: SessionReport): void {
  const counts = [
    `${sessions.length} sessions read`,
    `${sessions.filter(({ start }) => start === undefined).length} of them without a start`,
    `${hosts.length} boots and shutdowns`,
    `${unmatched.length} AVCs and anomalies of no guest`,
  ];
  process.stderr.write(`virtshim: ${counts.join(', ')}\n`);
}
