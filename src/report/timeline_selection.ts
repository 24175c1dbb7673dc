/** Which part of a timeline is asked for. */
import { type Selection, spanOf } from './selection.js';
import type { GuestTimeline, Timeline } from './timeline.js';

/** The guest's, or everybody's, entries between `since` and `until`; sessions and suspensions that touch that time. */
export function selectTimeline(timeline: Timeline, selection: Selection): Timeline {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, vm, uuid } = selection;
  const within = ({ time }: { readonly time: number }) => time >= since && time <= until;
  const touches = (from: number, to = Number.POSITIVE_INFINITY) => to >= since && from <= until;
  const everybody = vm === undefined && uuid === undefined;
  const named = vm === undefined ? timeline.guests : guestsNamed(timeline.guests, vm);
  const guests = named
    .filter(({ guest }) => uuid === undefined || guest.uuid === uuid.toLowerCase())
    .map((guest) => ({
      ...guest,
      sessions: guest.sessions.filter(({ session }) => touches(spanOf(session).from, spanOf(session).to)),
      suspensions: guest.suspensions.filter(({ start, end }) => touches(start, end)),
      entries: guest.entries.filter(within),
    }));
  return {
    guests: guests.filter(({ entries, sessions }) => entries.length > 0 || sessions.length > 0),
    otherCalls: everybody ? timeline.otherCalls.filter(within) : [],
    hosts: timeline.hosts.filter(within),
    unmatched: everybody ? timeline.unmatched.filter(within) : [],
  };
}

/** The guests of that name; where there are none, those that had it before. */
export function guestsNamed(guests: readonly GuestTimeline[], name: string): readonly GuestTimeline[] {
  const now = guests.filter(({ guest }) => guest.name === name);
  return now.length > 0 ? now : guests.filter(({ formerNames }) => formerNames.includes(name));
}
