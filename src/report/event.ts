/**
 * The one model of what happened to guests: readers of audit logs and of trails make these, reports are made of them.
 * Names and texts are decoded; nothing here is safe to print as it is.
 */

/** Where a fact stands, so that it can be looked up: the audit event or the trail's record. */
export interface Proof {
  /** `audit`: `seconds.milliseconds:serial` as ausearch takes it (without the fraction); `trail`: the record id. */
  readonly source: 'audit' | 'trail';
  readonly id: string;
  /** From `node=`, where the line has it. */
  readonly node?: string;
}

interface EventBase {
  /** Nanoseconds since 1970 would lose digits: milliseconds, with a fraction where the source is finer. */
  readonly time: number;
  /** The order of arrival, for events of one time. */
  readonly order: number;
  readonly proof: Proof;
}

export interface Guest {
  /** undefined where the record does not tell. */
  readonly name?: string;
  /** Lower case. */
  readonly uuid?: string;
}

/** Who the kernel or the shim says acted. In libvirt's own records that is libvirt's daemon. */
export interface Subject {
  readonly pid?: number;
  readonly uid?: number;
  /** undefined where unset. */
  readonly auid?: number;
  /** Names that the record itself holds (enriched logs); they win over this machine's accounts. */
  readonly userName?: string;
  readonly loginName?: string;
  readonly comm?: string;
  readonly exe?: string;
  readonly terminal?: string;
  readonly label?: string;
}

/** VIRT_CONTROL of libvirt: start, stop, init. */
export interface ControlEvent extends EventBase {
  readonly kind: 'control';
  readonly guest: Guest;
  readonly subject: Subject;
  readonly operation: string;
  /** booted, destroyed, shutdown, saved, migrated, crashed, ... */
  readonly reason?: string;
  readonly success: boolean;
  readonly driver?: string;
  /** The guest's process. */
  readonly guestPid?: number;
}

/** VIRT_RESOURCE of libvirt. */
export interface ResourceEvent extends EventBase {
  readonly kind: 'resource';
  readonly guest: Guest;
  readonly subject: Subject;
  /** disk, net, mem, vcpu, rng, cgroup, ... */
  readonly resource: string;
  readonly reason?: string;
  readonly success: boolean;
  /** undefined where there was none. */
  readonly before?: string;
  readonly after?: string;
  /** The record's other fields of its own: class, path, acl, bus, device, ... */
  readonly details: Readonly<Record<string, string>>;
}

/** VIRT_MACHINE_ID of libvirt: the security labels of a guest. */
export interface MachineIdEvent extends EventBase {
  readonly kind: 'machine-id';
  readonly guest: Guest;
  readonly subject: Subject;
  readonly model?: string;
  readonly guestLabel?: string;
  readonly imageLabel?: string;
  readonly success: boolean;
}

/** AVC (SELinux, AppArmor) and ANOM_* of the kernel. */
export interface SecurityEvent extends EventBase {
  readonly kind: 'avc' | 'anomaly';
  /** AVC, ANOM_ABEND, ... */
  readonly type: string;
  readonly subject: Subject;
  /** The record's fields: seresult, seperms, scontext, tcontext, apparmor, profile, sig, ... */
  readonly details: Readonly<Record<string, string>>;
}

/** The host went up or down, or its audit daemon did. */
export interface HostEvent extends EventBase {
  readonly kind: 'boot' | 'shutdown' | 'daemon-start' | 'daemon-end';
}

/** A libvirt call that virtshim saw. Its time is that of its begin; where an audit log alone has it, that of its end. */
export interface CallEvent extends EventBase {
  readonly kind: 'call';
  /** Of the audit record, where the trail's is the proof and the audit log has it too. */
  readonly auditProof?: Proof;
  /** Of snapshots and checkpoints the guest that they belong to. */
  readonly guest: Guest;
  readonly subject: Subject;
  /** The record id: the same in a trail and in audit text. */
  readonly rid: string;
  /** virDomainDestroy, ... */
  readonly operation: string;
  readonly verdict: 'permitted' | 'denied' | 'would-deny';
  /** Only where libvirt returned success. undefined: no answer is recorded, the program died or the call goes on. */
  readonly success?: boolean;
  readonly rule?: string;
  readonly driver?: string;
  readonly uri?: string;
  /** libvirt's error code. */
  readonly error?: { readonly code: number; readonly message?: string };
  /** What the program asserts, not verified. */
  readonly asserted?: { readonly actor?: string; readonly via?: string; readonly reason?: string };
  /** Kind and name of what the call was about, where it is no guest. */
  readonly target?: { readonly kind: string; readonly name?: string };
  /** A call that libvirt made to itself. */
  readonly nested: boolean;
  /** Arguments by their libvirt names, as the record has them (secrets are digests); of audit text apiflags, path, ... */
  readonly arguments: Readonly<Record<string, string>>;
  /** Milliseconds inside libvirt. */
  readonly duration?: number;
  /** Which logs have it. */
  readonly recordedIn: readonly ('trail' | 'audit')[];
}

export type ReportEvent = ControlEvent | ResourceEvent | MachineIdEvent | SecurityEvent | HostEvent | CallEvent;

/** A line that could not be read: counted and shown, never dropped without a word. */
export interface UnreadableLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}
