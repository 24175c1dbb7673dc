/** What a report is about: the periods in which guests ran, and what happened in them. */
import type {
  ControlEvent,
  Guest,
  HostEvent,
  MachineIdEvent,
  ReportEvent,
  ResourceEvent,
  SecurityEvent,
} from './event.js';

/** The time from a guest's start to its end, as far as the logs tell. */
export interface Session {
  readonly guest: Guest;
  /** The host, where the log names one (`node=`). */
  readonly node?: string;
  /** undefined: the guest ran before the log begins, only its end is known. */
  readonly start?: ControlEvent;
  /** The start failed: the guest never ran. */
  readonly failed: boolean;
  /** undefined: it still ran when the log ended, or the start failed. */
  readonly end?: SessionEnd;
  /** Stops that libvirt tried and that failed. */
  readonly failedStops: readonly ControlEvent[];
  readonly labels: readonly MachineIdEvent[];
  readonly resources: readonly ResourcePeriod[];
  readonly security: readonly SecurityMatch[];
}

/**
 * How a session ended. `stop`: libvirt says so. `shutdown`: the host went down. `boot`, `restart`: the record of the
 * end is missing; the host came up again, or the guest was started again, so it ended at the latest then.
 */
export interface SessionEnd {
  readonly kind: 'stop' | 'shutdown' | 'boot' | 'restart';
  readonly time: number;
  readonly event: ControlEvent | HostEvent;
}

/** A resource and the time in which a guest held it. */
export interface ResourcePeriod {
  /** disk, net, mem, vcpu, rng, cgroup, dev, ... */
  readonly kind: string;
  readonly value: string;
  /** undefined: it was assigned before the log begins. */
  readonly start?: ResourceEvent;
  /** The assignment failed: the guest never had it. */
  readonly failed: boolean;
  /** undefined while it is held. */
  readonly end?: { readonly time: number; readonly event: ReportEvent };
}

/** A denial or an anomaly that concerns a guest, and how that is known. */
export interface SecurityMatch {
  readonly event: SecurityEvent;
  /** `label`, `profile`: the guest's security label; `object`: a resource of the guest; `pid`: the guest's process. */
  readonly by: 'label' | 'profile' | 'object' | 'pid';
  /** The event that ties it to the guest: the label's, the resource's or the start's. */
  readonly through: MachineIdEvent | ResourceEvent | ControlEvent;
}

/** What is made of a log's events. Sessions stand in the order in which their guests started. */
export interface SessionReport {
  readonly sessions: readonly Session[];
  /** Boots and shutdowns of hosts. */
  readonly hosts: readonly HostEvent[];
  /** Denials and anomalies that concern no guest that ran at the time. */
  readonly unmatched: readonly SecurityEvent[];
}
