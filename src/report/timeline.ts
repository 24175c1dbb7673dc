/** What happened to each guest, in order of time, and who asked for it. Names and texts are not safe to print as they are. */
import type { Attribution } from './attribution.js';
import type { CallEvent, ControlEvent, Guest, HostEvent, ResourceEvent, SecurityEvent } from './event.js';
import type { SecurityMatch, Session, SessionEnd } from './session.js';
import type { XmlChange } from './xml_difference.js';

export interface Timeline {
  /** In the order in which they first appear. */
  readonly guests: readonly GuestTimeline[];
  /** Calls that change something, and denials, that are about no guest: pools, networks, connections. */
  readonly otherCalls: readonly CallEvent[];
  /** Boots and shutdowns of hosts. */
  readonly hosts: readonly HostEvent[];
  /** AVC and ANOM that concern no guest that ran at the time. */
  readonly unmatched: readonly SecurityEvent[];
}

/** What caused a start, a stop or a change: undefined where nobody looked for it. */
export type CauseOf = (event: ControlEvent | ResourceEvent) => Attribution | undefined;

export interface GuestTimeline {
  /** With the newest name; undefined fields where no record tells. */
  readonly guest: Guest;
  /** Names that it had before. */
  readonly formerNames: readonly string[];
  readonly sessions: readonly TimelineSession[];
  readonly suspensions: readonly Suspension[];
  /** By time. What is a bar above (start and stop of a session, suspend and resume) is an entry here, too. */
  readonly entries: readonly TimelineEntry[];
}

/** A period in which the guest ran, and who began and ended it. */
export interface TimelineSession {
  readonly session: Session;
  /** undefined where the log has no record of the start. */
  readonly startedBy?: Attribution;
  /** undefined while it runs, or where the host ended it and no record of libvirt tells. */
  readonly endedBy?: Attribution;
}

/** A period in which the guest's processors stood still. */
export interface Suspension {
  readonly start: number;
  /** undefined: it was still suspended when the logs ended. */
  readonly end?: number;
  readonly began: CallEvent;
  /** The call that let it run on, or the end of its session. */
  readonly ended?: CallEvent | SessionEnd;
}

interface EntryBase {
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** libvirt started the guest, or failed to. */
export interface StartEntry extends EntryBase {
  readonly kind: 'start';
  readonly event: ControlEvent;
  readonly cause: Attribution;
}

/** libvirt stopped the guest, or failed to. */
export interface StopEntry extends EntryBase {
  readonly kind: 'stop';
  readonly event: ControlEvent;
  readonly cause: Attribution;
}

/** The session ended without a record of libvirt: the host went down, came up, or the guest was started again. */
export interface LostEntry extends EntryBase {
  readonly kind: 'lost';
  readonly end: SessionEnd;
}

/** A device, memory or processors changed while the guest ran. */
export interface ResourceEntry extends EntryBase {
  readonly kind: 'resource';
  readonly event: ResourceEvent;
  readonly cause: Attribution;
}

/** A call about the guest: also those that have effects among the other entries. */
export interface CallEntry extends EntryBase {
  /** `unanswered`: no outcome is recorded, the program ended or the call goes on. */
  readonly kind: 'call' | 'denial' | 'failure' | 'unanswered';
  readonly call: CallEvent;
  /** What libvirt recorded because of it. */
  readonly effects: readonly (ControlEvent | ResourceEvent)[];
  /** Of define, attach, update, detach, undefine: what became different in the guest's XML. Secrets are digests. */
  readonly changes?: readonly XmlChange[];
  /** Records of the same call by the daemon that served it, and of what libvirt called to do it. */
  readonly alsoSeen: readonly CallEvent[];
}

export interface SecurityEntry extends EntryBase {
  readonly kind: 'security';
  readonly match: SecurityMatch;
}

export type TimelineEntry = StartEntry | StopEntry | LostEntry | ResourceEntry | CallEntry | SecurityEntry;
