/** Windows of time of a rule. */
import type { Complain } from './comparison.js';
import type { Condition, Window } from './condition.js';
import type { DayName, WindowDocument } from './document.js';
import type { Path } from './source.js';
import { suggest } from './suggest.js';
import { transitionsOf, zoneNames } from './time_zones.js';

const days: readonly DayName[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Resolves `times` of the rule at `path`. */
export function resolveTimes(path: Path, documents: readonly WindowDocument[], complain: Complain): Condition[] {
  const windows = documents.flatMap((document, index) => resolveWindow([...path, 'times', index], document, complain));
  return [{ kind: 'time', steps: ['times'], windows, negated: false }];
}

function resolveWindow(path: Path, document: WindowDocument, complain: Complain): Window[] {
  const transitions = transitionsOf(document.zone);
  if (transitions === undefined) {
    const message = `unknown time zone \`${document.zone}\``;
    complain([...path, 'zone'], { code: 'unknown-zone', message, suggestion: suggest(document.zone, zoneNames()) });
    return [];
  }
  const from = minuteOf(document.from ?? '00:00');
  const to = minuteOf(document.to ?? '24:00');
  const wrong = whyNoWindow(from, to);
  if (wrong !== undefined) {
    complain(path, { code: 'wrong-value', message: `the window ${wrong}` });
    return [];
  }
  return [{ from, to, days: dayMask(document.days ?? days), transitions }];
}

function whyNoWindow(from: number, to: number): string | undefined {
  if (from === to) return 'begins and ends at the same time: leave out `from` and `to` for whole days';
  return from === 24 * 60 ? 'begins when the day is over: the next one begins at 00:00' : undefined;
}

function minuteOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

function dayMask(names: readonly DayName[]): number {
  return names.reduce((mask, name) => mask | (1 << days.indexOf(name)), 0);
}
