/** Zones of time: what has to be added to UTC, and from when on. */

export interface Transition {
  readonly utcSeconds: number;
  readonly offsetSeconds: number;
}

/** What the platform knows of a zone from 1970 to 2040, ascending, at least one; undefined where there is no such zone. */
export function transitionsOf(zone: string): readonly Transition[] | undefined {
  return zone === 'UTC' ? [{ utcSeconds: 0, offsetSeconds: 0 }] : undefined;
}

export function zoneNames(): readonly string[] {
  return ['UTC'];
}
