/** The answer to "who stopped my guest?". */
import { VirtshimError } from '../errors.js';
import { suggest } from '../policy/suggest.js';
import { STOP_FUNCTIONS, STOP_REQUESTS } from './causes.js';
import type { CallEvent } from './event.js';
import type {
  CallEntry,
  GuestTimeline,
  LostEntry,
  StartEntry,
  StopEntry,
  Timeline,
  TimelineEntry,
} from './timeline.js';
import { guestsNamed } from './timeline_selection.js';

export interface GuestStop {
  /** `call`: a call that stops a guest succeeded, and none of the logs has libvirt's record of the stop. */
  readonly entry: StopEntry | LostEntry | CallEntry;
  /** Attempts to stop it that were refused, since it was started or stopped before. */
  readonly refused: readonly CallEvent[];
}

export interface WhoAnswer {
  readonly guest: GuestTimeline;
  /** The oldest first. */
  readonly stops: readonly GuestStop[];
  /** The start after the last stop: it runs, as far as the logs tell. */
  readonly running?: StartEntry;
  /** Attempts to stop it since then that were refused, and those that were not and had no effect so far. */
  readonly refusedSince: readonly CallEvent[];
  readonly requestsSince: readonly CallEvent[];
}

/** What is known of a guest's stops. */
export function whoStopped(guest: GuestTimeline): WhoAnswer {
  const stops: GuestStop[] = [];
  let since: Since = NOTHING;
  const candidates = candidatesOf(guest);
  for (const entry of guest.entries) {
    if (!isStop(entry, candidates)) since = follow(since, entry);
    else {
      stops.push({ entry, refused: since.refused });
      // A session that another start ended goes on with that start.
      since = entry.kind === 'lost' && entry.end.kind === 'restart' ? { ...NOTHING, ...startOf(since) } : NOTHING;
    }
  }
  return { guest, stops, ...startOf(since), refusedSince: since.refused, requestsSince: since.requests };
}

/** What happened after a stop. */
interface Since {
  readonly refused: readonly CallEvent[];
  readonly requests: readonly CallEvent[];
  readonly running?: StartEntry;
}

const NOTHING: Since = { refused: [], requests: [] };

const startOf = ({ running }: Since) => (running === undefined ? {} : { running });

function follow(since: Since, entry: TimelineEntry): Since {
  if (entry.kind === 'start') return entry.event.success ? { ...NOTHING, running: entry } : since;
  if ((entry.kind !== 'denial' && entry.kind !== 'call') || !STOP_REQUESTS.has(entry.call.operation)) return since;
  if (entry.kind === 'denial') return { ...since, refused: [...since.refused, entry.call] };
  return entry.effects.length > 0 ? since : { ...since, requests: [...since.requests, entry.call] };
}

/** Calls that stand with a stop already, as one that may have caused it. */
function candidatesOf({ entries }: GuestTimeline): Set<CallEvent> {
  return new Set(
    entries.flatMap((entry) =>
      entry.kind === 'stop' && entry.cause.kind === 'ambiguous' ? [...entry.cause.candidates] : [],
    ),
  );
}

function isStop(entry: TimelineEntry, candidates: ReadonlySet<CallEvent>): entry is GuestStop['entry'] {
  if (entry.kind === 'lost') return true;
  if (entry.kind === 'stop') return entry.event.success;
  if (entry.kind !== 'call' || entry.effects.length > 0) return false;
  return STOP_FUNCTIONS.has(entry.call.operation) && !candidates.has(entry.call);
}

/**
 * The guests of that name or uuid; where there are none, those that had the name before.
 * @throws VirtshimError VIRTSHIM_USAGE where none of the logs tells of one
 */
export function findGuests({ guests }: Timeline, wanted: string): readonly GuestTimeline[] {
  const identified = guests.filter(({ guest }) => guest.uuid === wanted.toLowerCase());
  const found = identified.length > 0 ? identified : guestsNamed(guests, wanted);
  if (found.length > 0) return found;
  throw new VirtshimError('VIRTSHIM_USAGE', `these logs tell of no start or stop of a guest \`${wanted}\``, {
    hint: hintFor(wanted, [...new Set(guests.flatMap(({ guest: { name } }) => name ?? []))]),
  });
}

const LISTED = 10;

function hintFor(wanted: string, names: readonly string[]): string {
  if (names.length === 0) return 'they tell of none at all; --trail and --file name other logs';
  const near = suggest(wanted, names);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  const some = names.slice(-LISTED).join(', ');
  return names.length > LISTED ? `they tell of ${names.length} guests, the latest: ${some}` : `they tell of ${some}`;
}
