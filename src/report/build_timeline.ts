/** Makes the timeline of events: each call once, each record of libvirt with the call that caused it. */
import { CallLedger } from './call_ledger.js';
import type { CallEvent, ControlEvent, Guest, ReportEvent, ResourceEvent } from './event.js';
import { GuestKeys } from './guest_keys.js';
import { beginOf, GuestStory, strayCalls } from './guest_story.js';
import { changesSomething } from './relevant.js';
import type { Session, SessionReport } from './session.js';
import { SessionBuilder } from './sessions.js';
import type { CauseOf, Timeline } from './timeline.js';

interface Collected {
  readonly calls: CallEvent[];
  readonly controls: ControlEvent[];
  readonly resources: ResourceEvent[];
  readonly sessions: Session[];
  first: number;
}

export class TimelineBuilder {
  readonly #sessions = new SessionBuilder();
  readonly #ledger = new CallLedger();
  readonly #controls: ControlEvent[] = [];
  readonly #resources: ResourceEvent[] = [];

  /** Calls in any order, all other events by time. Calls that only ask are not kept. */
  add(event: ReportEvent): void {
    if (event.kind === 'call') {
      if (changesSomething(event)) this.#ledger.add(event);
      return;
    }
    this.#sessions.add(event);
    if (event.kind === 'control' && event.operation !== 'init') this.#controls.push(event);
    if (event.kind === 'resource' && isChange(event)) this.#resources.push(event);
  }

  finish(): Timeline {
    const { sessions, hosts, unmatched } = this.#sessions.finish();
    const { byGuest, others } = this.#group(sessions);
    const strays = strayCalls(others);
    const guests = [...byGuest.values()]
      .sort((a, b) => a.first - b.first)
      .map((collected) => new GuestStory(collected, strays).timeline());
    return { guests, otherCalls: others, hosts, unmatched };
  }

  /** The sessions alone, in less memory than the timeline, and what caused their starts, stops and changes. */
  finishSessions(): { report: SessionReport; causeOf: CauseOf } {
    const report = this.#sessions.finish();
    if (this.#ledger.isEmpty) return { report, causeOf: () => undefined };
    const { byGuest, others } = this.#group([]);
    const strays = strayCalls(others);
    const causes = new Map([...byGuest.values()].flatMap((collected) => [...new GuestStory(collected, strays).causes]));
    return { report, causeOf: (event) => causes.get(event) };
  }

  #keys(calls: readonly CallEvent[]): GuestKeys {
    const keys = new GuestKeys();
    for (const events of [calls, this.#controls, this.#resources]) {
      for (const { guest, time } of events) keys.see(guest, time);
    }
    return keys;
  }

  #group(sessions: readonly Session[]) {
    const calls = this.#ledger.all();
    const keys = this.#keys(calls);
    const byGuest = new Map<string, Collected>();
    const at = (guest: Guest, time: number): Collected => {
      const key = keys.keyOf(guest, time) ?? 'unknown';
      const collected = byGuest.get(key) ?? { calls: [], controls: [], resources: [], sessions: [], first: time };
      byGuest.set(key, collected);
      collected.first = Math.min(collected.first, time);
      return collected;
    };
    const others: CallEvent[] = [];
    for (const call of calls) {
      const told = keys.keyOf(call.guest, call.time) !== undefined;
      (told ? at(call.guest, call.time).calls : others).push(call);
    }
    for (const event of this.#controls) at(event.guest, event.time).controls.push(event);
    for (const event of this.#resources) at(event.guest, event.time).resources.push(event);
    for (const session of sessions) at(session.guest, beginOf(session)).sessions.push(session);
    return { byGuest, others };
  }
}

/** In the order that readers hand them out. */
export type Events = AsyncIterable<ReportEvent> | Iterable<ReportEvent>;

/** The timeline of all events. */
export async function buildTimeline(events: Events): Promise<Timeline> {
  return (await collected(events)).finish();
}

/** Of the same events the sessions alone, and what caused them. */
export async function buildSessions(events: Events): Promise<{ report: SessionReport; causeOf: CauseOf }> {
  return (await collected(events)).finishSessions();
}

async function collected(events: Events): Promise<TimelineBuilder> {
  const builder = new TimelineBuilder();
  for await (const event of events) builder.add(event);
  return builder;
}

/** What a guest is given when it starts is part of its session; the names that cgroups give devices are no news. */
function isChange({ resource, reason }: ResourceEvent): boolean {
  return reason !== 'start' && reason !== 'open' && resource !== 'cgroup';
}
