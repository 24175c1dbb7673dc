/** `virtshim report --compat auvirt`. */
import { EVERYTHING } from '../../audit/wanted.js';
import { acceptsRecord, compatLines, compatSummary } from '../../report/compat_auvirt.js';
import { parseMoment } from '../../report/times.js';
import type { Outcome } from '../outcome.js';
import { Output } from '../output.js';
import { userNames } from '../trail/users.js';
import { LogReading } from './reading.js';
import { inputsOf, type ReportOptions } from './request.js';

/** auvirt goes by whole seconds, and by midnight where an end has no time of day. */
function seconds(words: readonly string[] | undefined, edge: 'start' | 'end'): number | undefined {
  if (words === undefined) return undefined;
  const exact = words.length > 1 || /[T:]|^\d+[smhd]$|^(now|recent|today|boot)$/.test(words[0] ?? '');
  return Math.floor(parseMoment(words, exact ? edge : 'start').getTime() / 1000);
}

export async function reportAsAuvirt(options: ReportOptions): Promise<Outcome> {
  const reading = new LogReading();
  const all = options.allEvents === true || options.summary === true;
  const report = await reading.sessions(await inputsOf(options), {
    accept: acceptsRecord({ start: seconds(options.start, 'start'), end: seconds(options.end, 'end') }),
    wanted: all ? EVERYTHING : { resources: false, security: false },
  });
  const output = new Output();
  if (options.summary === true) await output.print(compatSummary(report, options));
  else for (const line of compatLines(report, printing(options))) await output.print(line);
  if (options.debug === true) await output.print('Exit code: 0\n');
  await output.flush();
  reading.finish();
  // auvirt passes over what it cannot read.
  return 'ok';
}

function printing(options: ReportOptions) {
  const names = userNames();
  return {
    vm: options.vm,
    uuid: options.uuid,
    allEvents: options.allEvents === true,
    showUuid: options.showUuid === true,
    proof: options.proof === true,
    userName: (uid: number) => (names(uid) === String(uid) ? undefined : names(uid)),
  };
}
