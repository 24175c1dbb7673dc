/** `virtshim report --timeline`: everything that happened to guests, and who asked for it. */
import type { Timeline } from '../../report/timeline.js';
import { selectTimeline } from '../../report/timeline_selection.js';
import type { Outcome } from '../outcome.js';
import { Output } from '../output.js';
import { jsonText } from '../text.js';
import { userNames } from '../trail/users.js';
import type { NameOf } from './caller_text.js';
import { LogReading } from './reading.js';
import { periodOf, type ReportOptions } from './request.js';
import { callData, entryData } from './timeline_data.js';
import { readTimeline } from './timeline_sources.js';
import { timelineLines } from './timeline_text.js';

export async function reportTimeline(options: ReportOptions): Promise<Outcome> {
  const { vm, uuid } = options;
  const period = periodOf(options);
  const reading = new LogReading();
  const timeline = selectTimeline(await readTimeline(reading, options), { ...period, vm, uuid });
  const output = new Output();
  const nameOf = userNames();
  const lines = options.format === 'json' ? jsonLines(timeline, nameOf) : timelineLines(timeline, nameOf);
  for (const line of lines) await output.print(line);
  await output.flush();
  return reading.finish();
}

/** One object an entry: by guest, and by time for each. */
function* jsonLines({ guests, otherCalls, hosts, unmatched }: Timeline, nameOf: NameOf): Generator<string> {
  for (const guest of guests) {
    for (const entry of guest.entries) yield jsonLine(entryData(entry, guest, nameOf));
  }
  for (const call of otherCalls) yield jsonLine({ time: iso(call.time), kind: 'other', ...callData(call, nameOf) });
  for (const { kind, time, proof } of hosts)
    yield jsonLine({ time: iso(time), kind, node: proof.node, proof: proof.id });
  for (const { time, type, details, proof } of unmatched) {
    yield jsonLine({ time: iso(time), kind: 'security', type, details, proof: proof.id });
  }
}

const jsonLine = (value: unknown): string => `${jsonText(value)}\n`;

const iso = (time: number): string => new Date(time).toISOString();
