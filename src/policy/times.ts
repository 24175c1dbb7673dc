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
  if (from === to || from === 24 * 60) {
    const what = from === to ? 'begins and ends at the same time' : 'begins when the day is over';
    complain(path, {
      code: 'wrong-value',
      message: `the window ${what}: leave out \`from\` and \`to\` for whole days`,
    });
    return [];
  }
  return [{ from, to, days: dayMask(document.days ?? days), transitions }];
}

function minuteOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

function dayMask(names: readonly DayName[]): number {
  return names.reduce((mask, name) => mask | (1 << days.indexOf(name)), 0);
}
