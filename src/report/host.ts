/** The guests of one host, as its log tells their story event after event. */
import type { Mutable } from '../mutable.js';
import type { ControlEvent, Guest, HostEvent, MachineIdEvent, ResourceEvent, SecurityEvent } from './event.js';
import { GuestIndex } from './guest_index.js';
import { Holdings, type HoldingsWatch } from './holdings.js';
import type { ResourcePeriod, SecurityMatch, Session, SessionEnd } from './session.js';

/** What is known so far of a guest's life, or of the attempt to start it: records of a start come before it. */
interface Life {
  readonly labels: MachineIdEvent[];
  readonly holdings: Holdings;
  readonly security: SecurityMatch[];
}

interface Current extends Life {
  readonly session: Mutable<Session>;
  readonly failedStops: ControlEvent[];
}

interface GuestState {
  readonly guest: Guest;
  readonly watch: HoldingsWatch;
  running?: Current | undefined;
  attempt?: Life | undefined;
  /** Ended by the host's shutdown: libvirt may still tell when exactly. */
  shutDown?: Current | undefined;
}

export class Host {
  readonly #node: string | undefined;
  readonly #sessions: Session[];
  readonly #guests = new Map<string, GuestState>();
  readonly #index = new GuestIndex<GuestState>();
  /** Guests that may have to be ended when the host goes down. */
  readonly #alive = new Set<GuestState>();

  /** New sessions are added to `sessions`. */
  constructor(node: string | undefined, sessions: Session[]) {
    this.#node = node;
    this.#sessions = sessions;
  }

  control(event: ControlEvent): void {
    const state = this.#guest(event.guest);
    if (event.operation === 'start') this.#start(state, event);
    else if (event.operation === 'stop') this.#stop(state, event);
  }

  resource(event: ResourceEvent): void {
    const state = this.#guest(event.guest);
    const { running, attempt } = state;
    const life = running && !attempt && !beginsAttempt(event) ? running : this.#attempt(state);
    life.holdings.apply(event);
  }

  machineId(event: MachineIdEvent): void {
    const state = this.#guest(event.guest);
    this.#attempt(state).labels.push(event);
    this.#index.addLabel(state, event);
  }

  /** Whether the event concerns a guest that runs or is about to. */
  security(event: SecurityEvent): boolean {
    const found = this.#index.find(event);
    if (found === undefined) return false;
    const { state, by, through } = found;
    (state.running ?? this.#attempt(state)).security.push({ event, by, through });
    return true;
  }

  /** Every guest is down. At a boot that is seen afterwards: when exactly they went down, nobody recorded. */
  down(event: HostEvent): void {
    const kind = event.kind === 'boot' ? 'boot' : 'shutdown';
    for (const state of this.#alive) {
      this.#adoptAttempt(state);
      const { running } = state;
      if (running !== undefined) this.#end(state, running, { kind, time: event.time, event });
      state.shutDown = kind === 'shutdown' ? running : undefined;
    }
    if (kind === 'boot') this.#alive.clear();
  }

  /** The log ends. */
  finish(): void {
    for (const state of this.#alive) this.#adoptAttempt(state);
  }

  #guest(guest: Guest): GuestState {
    const key = guest.uuid ?? `name ${guest.name}`;
    const state = this.#guests.get(key) ?? this.#newState(guest);
    this.#guests.set(key, state);
    this.#alive.add(state);
    return state;
  }

  #newState(guest: Guest): GuestState {
    const watch: HoldingsWatch = {
      opened: (period) => this.#index.addObject(state, period),
      closed: (period) => this.#index.removeObject(period),
    };
    const state: GuestState = { guest, watch };
    return state;
  }

  #attempt(state: GuestState): Life {
    state.attempt ??= this.#newLife(state);
    return state.attempt;
  }

  #newLife(state: GuestState): Life {
    return { labels: [], holdings: new Holdings(state.watch), security: [] };
  }

  /** A session with what was recorded since the last one. */
  #begin(state: GuestState, guest: Guest, start?: ControlEvent): Current {
    const life = this.#attempt(state);
    state.attempt = undefined;
    const failedStops: ControlEvent[] = [];
    const session: Mutable<Session> = {
      guest,
      ...(this.#node !== undefined && { node: this.#node }),
      ...(start !== undefined && { start }),
      failed: start?.success === false,
      failedStops,
      labels: life.labels,
      resources: life.holdings.periods,
      security: life.security,
    };
    this.#sessions.push(session);
    return { ...life, session, failedStops };
  }

  #start(state: GuestState, event: ControlEvent): void {
    if (!event.success) {
      const failed = this.#begin(state, event.guest, event);
      this.#forget(failed, event);
      return;
    }
    if (state.running !== undefined) {
      this.#end(state, state.running, { kind: 'restart', time: event.time, event });
    }
    state.running = this.#begin(state, event.guest, event);
    state.shutDown = undefined;
    this.#index.addStart(state, event);
  }

  #stop(state: GuestState, event: ControlEvent): void {
    if (!event.success) {
      state.running?.failedStops.push(event);
      return;
    }
    const end: SessionEnd = { kind: 'stop', time: event.time, event };
    const { shutDown, running } = state;
    if (running === undefined && shutDown !== undefined) correctEnd(shutDown.session, end);
    else this.#end(state, running ?? this.#begin(state, event.guest), end);
    state.shutDown = undefined;
  }

  #end(state: GuestState, current: Current, end: SessionEnd): void {
    const { session } = current;
    session.end = end;
    this.#forget(current, end.event);
    state.running = undefined;
    const { attempt } = state;
    if (attempt === undefined || end.kind === 'restart') return;
    // Records of a start that never came: they can only be of the session that ends.
    attempt.holdings.closeAll(end.time, end.event);
    session.resources = [...session.resources, ...attempt.holdings.periods];
    session.labels = [...session.labels, ...attempt.labels];
    session.security = [...session.security, ...attempt.security];
    for (const label of attempt.labels) this.#index.remove(label);
    state.attempt = undefined;
  }

  /** Records without a start are of a guest that was started before the log begins, or never. */
  #adoptAttempt(state: GuestState): void {
    if (state.attempt === undefined || state.running !== undefined) return;
    state.running = this.#begin(state, state.guest);
  }

  /** What was held is not held any more, and nothing is known by it. */
  #forget({ labels, holdings, session }: Current, event: ControlEvent | HostEvent): void {
    holdings.closeAll(event.time, event);
    for (const label of labels) this.#index.remove(label);
    if (session.start !== undefined) this.#index.remove(session.start);
  }
}

/** What libvirt records only when it starts a guest: seen of one that runs, its stop is missing. */
function beginsAttempt({ reason, resource, details }: ResourceEvent): boolean {
  return reason === 'start' || (resource === 'cgroup' && reason === 'deny' && details.class === 'all');
}

function correctEnd(session: Mutable<Session>, end: SessionEnd): void {
  const before = session.end?.event;
  session.end = end;
  for (const period of session.resources as Mutable<ResourcePeriod>[]) {
    if (period.end?.event === before) period.end = end;
  }
}
