/** One guest's timeline: what libvirt recorded of it, joined to the calls about it. */
import { type Attribution, CallIndex } from './attribution.js';
import { GUEST_UNKNOWN, resourceCauses, startCauses, stopCauses } from './causes.js';
import { byPlace } from './entry_order.js';
import type { CallEvent, ControlEvent, Guest, ResourceEvent } from './event.js';
import { type SeenCall, sameCalls } from './same_call.js';
import type { Session, SessionEnd } from './session.js';
import { suspensionsOf } from './suspensions.js';
import type { CallEntry, GuestTimeline, TimelineEntry, TimelineSession } from './timeline.js';
import { XmlHistory } from './xml_history.js';

export interface GuestEvents {
  readonly calls: readonly CallEvent[];
  readonly controls: readonly ControlEvent[];
  readonly resources: readonly ResourceEvent[];
  readonly sessions: readonly Session[];
}

/** Calls that may be about any guest: their records do not tell. */
export type Strays = CallIndex;

export function strayCalls(calls: readonly CallEvent[]): Strays {
  return new CallIndex(sameCalls(calls.filter(({ operation }) => GUEST_UNKNOWN.includes(operation))));
}

type Effect = ControlEvent | ResourceEvent;

export class GuestStory {
  readonly #seen: readonly SeenCall[];
  readonly #index: CallIndex;
  readonly #effects = new Map<CallEvent, Effect[]>();
  /** Of everything that libvirt recorded. */
  readonly causes = new Map<Effect, Attribution>();

  /** All of `events` by time. */
  constructor(
    private readonly events: GuestEvents,
    strays: Strays,
  ) {
    this.#seen = sameCalls(events.calls);
    this.#index = new CallIndex(this.#seen, strays);
    this.#attributeAll();
  }

  timeline(): GuestTimeline {
    const { sessions, calls, controls, resources } = this.events;
    const ends = sessions.flatMap(({ end }) => (end === undefined ? [] : [end]));
    const done = this.#seen.map(({ call }) => call).filter(({ verdict, success }) => verdict !== 'denied' && success);
    return {
      ...namesOf([...calls, ...controls, ...resources, ...sessions.map(asSighting)]),
      sessions: sessions.map((session) => this.#session(session)),
      suspensions: suspensionsOf(done, ends),
      entries: this.#entries(),
    };
  }

  #attributeAll(): void {
    let started: number | undefined;
    const { controls, resources } = this.events;
    for (const event of [...controls, ...resources].sort(byTime)) {
      this.#remember(
        event,
        event.kind === 'control' ? this.#ofControl(event, started) : this.#ofResource(event, started),
      );
      if (event.kind === 'control' && event.operation === 'start' && event.success) started = event.time;
    }
  }

  #remember(event: Effect, cause: Attribution): void {
    this.causes.set(event, cause);
    if (cause.kind !== 'call') return;
    const effects = this.#effects.get(cause.call);
    if (effects === undefined) this.#effects.set(cause.call, [event]);
    else effects.push(event);
  }

  #ofControl(event: ControlEvent, started: number | undefined): Attribution {
    if (event.operation === 'start') return this.#ofStart(event);
    const { time, reason } = event;
    return this.#index.attribute({ time, rules: stopCauses(reason), ...(started !== undefined && { since: started }) });
  }

  #ofStart({ time, reason }: ControlEvent): Attribution {
    // A restore names a file; whose, a save before it tells.
    const saved = this.#index.lastBefore(time, 'virDomainSave')?.arguments.to;
    const cause = this.#index.attribute({ time, rules: startCauses(reason), ...(saved && { about: saved }) });
    return cause.kind === 'none' ? this.#ofItself(time) : cause;
  }

  #ofItself(time: number): Attribution {
    const set = this.#index.lastBefore(time, 'virDomainSetAutostart');
    return { kind: 'none', ...(set?.arguments.autostart === '1' && { autostart: set }) };
  }

  #ofResource(event: ResourceEvent, started: number | undefined): Attribution {
    const { time, before, after } = event;
    const about = after ?? before;
    return this.#index.attribute({
      time,
      rules: resourceCauses(event),
      ...(started !== undefined && { since: started }),
      ...(about !== undefined && { about }),
    });
  }

  #session(session: Session): TimelineSession {
    const startedBy = session.start && this.causes.get(session.start);
    const ended = session.end?.event;
    const endedBy = ended?.kind === 'control' && session.end?.kind === 'stop' ? this.causes.get(ended) : undefined;
    return { session, ...(startedBy && { startedBy }), ...(endedBy && { endedBy }) };
  }

  #entries(): TimelineEntry[] {
    const { controls, resources, sessions } = this.events;
    const causeOf = (event: Effect): Attribution => this.causes.get(event) ?? { kind: 'none' };
    const entries: TimelineEntry[] = [
      // First, to stand before what they caused at the same moment.
      ...this.#callEntries(),
      ...controls.map((event) => ({ kind: kindOf(event), time: event.time, event, cause: causeOf(event) })),
      ...resources.map((event) => ({ kind: 'resource' as const, time: event.time, event, cause: causeOf(event) })),
      ...sessions.flatMap(({ end }) => lostEnd(end)),
      ...sessions.flatMap(({ security }) =>
        security.map((match) => ({ kind: 'security' as const, time: match.event.time, match })),
      ),
    ];
    return entries.sort(byPlace);
  }

  #callEntries(): CallEntry[] {
    const history = new XmlHistory();
    return this.#seen.map(({ call, alsoSeen }) => {
      const kind = outcomeOf(call);
      const changes = kind === 'call' ? history.changesOf(call) : undefined;
      const effects = this.#effects.get(call) ?? [];
      return { kind, time: call.time, call, alsoSeen, effects, ...(changes && { changes }) };
    });
  }
}

const byTime = (a: { time: number }, b: { time: number }): number => a.time - b.time;

const kindOf = ({ operation }: ControlEvent): 'start' | 'stop' => (operation === 'start' ? 'start' : 'stop');

function outcomeOf({ verdict, success }: CallEvent): CallEntry['kind'] {
  if (verdict === 'denied') return 'denial';
  if (success === undefined) return 'unanswered';
  return success ? 'call' : 'failure';
}

function lostEnd(end: SessionEnd | undefined): TimelineEntry[] {
  return end === undefined || end.kind === 'stop' ? [] : [{ kind: 'lost', time: end.time, end }];
}

/** A session without a record of its start is placed by what else there is of it. */
export function beginOf({ start, end, labels, resources, security }: Session): number {
  const first = start ?? labels[0] ?? resources[0]?.start ?? security[0]?.event ?? end;
  return first?.time ?? 0;
}

const asSighting = (session: Session) => ({ guest: session.guest, time: beginOf(session) });

/** The newest name stands for the guest. */
function namesOf(sightings: readonly { readonly guest: Guest; readonly time: number }[]) {
  const ordered = [...sightings].sort(byTime);
  const names = [...new Set(ordered.flatMap(({ guest: { name } }) => name ?? []).reverse())];
  const uuid = ordered.find(({ guest }) => guest.uuid !== undefined)?.guest.uuid;
  const [name, ...formerNames] = names;
  return { guest: { ...(name !== undefined && { name }), ...(uuid !== undefined && { uuid }) }, formerNames };
}
