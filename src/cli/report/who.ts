/** `virtshim report who`. */
import { findGuests, type WhoAnswer, whoStopped } from '../../report/who.js';
import type { Outcome } from '../outcome.js';
import { Output } from '../output.js';
import { jsonText } from '../text.js';
import { userNames } from '../trail/users.js';
import type { NameOf } from './caller_text.js';
import { LogReading } from './reading.js';
import { stopData } from './timeline_data.js';
import { readStops, type SourceOptions } from './timeline_sources.js';
import { whoText } from './who_text.js';

/** Of others of the name. */
const LISTED = 5;

export interface WhoOptions extends SourceOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

export async function who(wanted: string, options: WhoOptions): Promise<Outcome> {
  const reading = new LogReading();
  const timeline = await readStops(reading, options);
  const nameOf = userNames();
  const output = new Output();
  const found = findGuests(timeline, wanted).map(whoStopped).sort(byLastEntry);
  for (const answer of options.all === true ? found : found.slice(-1)) {
    for (const text of texts(answer, options, nameOf)) await output.print(text);
  }
  if (options.all !== true && options.json !== true) await output.print(othersText(found.slice(0, -1)));
  await output.flush();
  return reading.finish();
}

function* texts(answer: WhoAnswer, { all, json }: WhoOptions, nameOf: NameOf): Generator<string> {
  if (json !== true) yield whoText(answer, all === true, nameOf);
  else {
    const stops = all === true ? answer.stops : answer.stops.slice(-1);
    for (const stop of stops) yield `${jsonText(stopData(stop, answer.guest, nameOf))}\n`;
  }
}

const lastTime = ({ guest }: WhoAnswer): number => guest.entries.at(-1)?.time ?? 0;

const byLastEntry = (a: WhoAnswer, b: WhoAnswer): number => lastTime(a) - lastTime(b);

function othersText(others: readonly WhoAnswer[]): string {
  if (others.length === 0) return '';
  const uuids = others.slice(-LISTED).map(({ guest }) => guest.guest.uuid ?? '?');
  const more = others.length > LISTED ? `${others.length - LISTED} more and ` : '';
  return `other guests had that name, too; ask for them by UUID: ${more}${uuids.join(', ')}\n`;
}
