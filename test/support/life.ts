// The life of guests as events: what libvirt recorded, and the calls that the shim saw. Times are seconds.
import { buildTimeline } from '../../src/report/build_timeline.js';
import type { CallEvent, ControlEvent, Guest, ReportEvent, ResourceEvent, Subject } from '../../src/report/event.js';
import type { GuestTimeline, Timeline } from '../../src/report/timeline.js';

export const DEMO: Guest = { name: 'demo', uuid: 'f05e5f24-c3a0-4eac-91fc-72623b255373' };
export const ALICE: Subject = { pid: 4242, uid: 0, auid: 1000, comm: 'virsh', terminal: 'pts/3' };
export const BOB: Subject = { pid: 5000, uid: 1001, auid: 1001, comm: 'virt-manager' };
export const DAEMON: Subject = { pid: 700, uid: 0, comm: 'libvirtd' };

type CallOptions = Partial<Omit<CallEvent, 'kind' | 'time' | 'duration'>> & { readonly takes?: number };

export class Life {
  readonly events: ReportEvent[] = [];

  /** A call that the trail has, with its begin and end. */
  call(at: number, operation: string, { takes = 0.1, ...more }: CallOptions = {}): CallEvent {
    return this.#add({ ...this.#plain(at, operation), duration: takes * 1000, ...more });
  }

  /** A call of which the kernel's log alone tells, when it has ended. */
  audited(at: number, operation: string, more: CallOptions = {}): CallEvent {
    return this.#add({ ...this.#plain(at, operation), recordedIn: ['audit'], ...more });
  }

  /** A call whose outcome is not recorded. */
  unanswered(at: number, operation: string, more: CallOptions = {}): CallEvent {
    const { success: _, ...call } = this.#plain(at, operation);
    return this.#add({ ...call, ...more });
  }

  denied(at: number, operation: string, more: CallOptions = {}): CallEvent {
    return this.#add({ ...this.#plain(at, operation), verdict: 'denied', success: false, rule: 'no', ...more });
  }

  start(at: number, reason = 'booted', more: Partial<ControlEvent> = {}): ControlEvent {
    return this.#add({ ...this.#libvirts(at), kind: 'control', operation: 'start', reason, success: true, ...more });
  }

  stop(at: number, reason: string, more: Partial<ControlEvent> = {}): ControlEvent {
    return this.start(at, reason, { operation: 'stop', ...more });
  }

  resource(at: number, resource: string, reason: string, more: Partial<ResourceEvent> = {}): ResourceEvent {
    const fixed = { kind: 'resource', details: {}, success: true } as const;
    return this.#add({ ...this.#libvirts(at), ...fixed, resource, reason, ...more });
  }

  timeline(): Promise<Timeline> {
    return buildTimeline([...this.events].sort((a, b) => a.time - b.time));
  }

  /** The timeline of the one guest that there is. */
  async guest(): Promise<GuestTimeline> {
    const { guests } = await this.timeline();
    const [only] = guests;
    if (only === undefined || guests.length > 1) throw new Error(`${guests.length} guests`);
    return only;
  }

  #plain(at: number, operation: string): CallEvent & { success: boolean } {
    const rid = (this.events.length + 1).toString(16).padStart(16, '0');
    return {
      ...{ kind: 'call', time: at * 1000, order: this.events.length, proof: { source: 'trail', id: rid } },
      ...{ guest: DEMO, subject: ALICE, rid, operation, verdict: 'permitted', success: true },
      ...{ nested: false, arguments: {}, recordedIn: ['trail'] },
    };
  }

  #libvirts(at: number) {
    const proof = { source: 'audit', id: `${at}:${this.events.length}` } as const;
    return { time: at * 1000, order: this.events.length, proof, guest: DEMO, subject: DAEMON };
  }

  #add<Event extends ReportEvent>(event: Event): Event {
    this.events.push(event);
    return event;
  }
}
