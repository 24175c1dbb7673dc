/** Zones of time: what has to be added to UTC, and from when on. By the zone data that this Node came with. */

export interface Transition {
  readonly utcSeconds: number;
  readonly offsetSeconds: number;
}

const endOfTable = Date.UTC(2041, 0, 1) / 1000;

// A change that is taken back within it would not be seen; none since 1970 was in force for less than six days.
const stepSeconds = 5 * 86400;

const known = new Map<string, readonly Transition[] | undefined>();

/**
 * What the platform knows of a zone from 1970 to 2040, ascending, at least one; undefined where there is no such zone.
 * Other names of a zone (`US/Eastern`) count as well.
 */
export function transitionsOf(zone: string): readonly Transition[] | undefined {
  if (!known.has(zone)) known.set(zone, isZone(zone) ? findTransitions(zone) : undefined);
  return known.get(zone);
}

/** Zones that can be suggested: one name for each. */
export function zoneNames(): readonly string[] {
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];
}

/** Some Nodes take `+01:00` for a zone, and all of them `europe/berlin`: neither is a name. */
function isZone(zone: string): boolean {
  if (!/^[A-Z]/.test(zone)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions();
    return timeZone === zone || timeZone.toLowerCase() !== zone.toLowerCase();
  } catch {
    return false;
  }
}

function findTransitions(zone: string): Transition[] {
  const offsetAt = offsetsOf(zone);
  let offset = offsetAt(0);
  const found = [{ utcSeconds: 0, offsetSeconds: offset }];
  for (let from = 0; from < endOfTable; from += stepSeconds) {
    const next = offsetAt(from + stepSeconds);
    if (next === offset) continue;
    found.push({ utcSeconds: firstChange(offsetAt, offset, from, from + stepSeconds), offsetSeconds: next });
    offset = next;
  }
  return found;
}

/** The first second after `from` at which the offset is another one than it is there; at `to` it is. */
function firstChange(offsetAt: (utcSeconds: number) => number, offset: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** What has to be added to a moment's UTC in the zone, in seconds. */
function offsetsOf(zone: string): (utcSeconds: number) => number {
  const number = 'numeric';
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: number, month: number, day: number },
    ...{ hour: number, minute: number, second: number },
  });
  return (utcSeconds) => {
    const numbers = (format.format(utcSeconds * 1000).match(/\d+/g) ?? []).map(Number);
    const [month = 1, day, year = 1970, hour, minute, second] = numbers;
    return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - utcSeconds;
  };
}
