/** When a call was under way, as far as its records tell. */
import type { CallEvent } from './event.js';

export interface Period {
  readonly start: number;
  readonly end: number;
}

/** `exact`: both ends are recorded. `end`, `start`: only this one is. */
export function knownEnds({ duration, success, recordedIn }: CallEvent): 'exact' | 'start' | 'end' {
  if (duration !== undefined) return 'exact';
  return success === undefined || recordedIn.includes('trail') ? 'start' : 'end';
}

/**
 * @param longest milliseconds that it may have taken, where the records do not tell
 */
export function periodOf(call: CallEvent, longest: number): Period {
  const { time, duration = 0 } = call;
  switch (knownEnds(call)) {
    case 'exact':
      return { start: time, end: time + duration };
    case 'start':
      return { start: time, end: time + longest };
    case 'end':
      return { start: time - longest, end: time };
  }
}
