/**
 * Which calls can lead to what libvirt records. Taken from libvirt's drivers: each says in the record's reason why a
 * guest started or stopped, and some functions reach the same place.
 */
import type { CallEvent, ResourceEvent } from './event.js';

export interface CauseRule {
  readonly functions: readonly string[];
  /** Milliseconds after the call's end in which libvirt or the guest may still act on it. 0: it acts within the call. */
  readonly within: number;
  /** The longest that such a call takes, for those of which only the end or only the begin is recorded. */
  readonly longest: number;
  /** False: others than the caller may have led to the same. */
  readonly sure: boolean;
  /** What the call's arguments have to be. */
  readonly when?: (call: CallEvent) => boolean;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** As long as a guest is given to shut down: libvirt-guests waits so long, too. */
export const SHUTDOWN_WINDOW = 5 * MINUTE;
/** As long as a guest may take to let go of a device. */
export const DETACH_WINDOW = MINUTE;

/** A call that does it while it lasts. */
function during(functions: readonly string[], longest = MINUTE, more: Partial<CauseRule> = {}): CauseRule {
  return { functions, within: 0, longest, sure: true, ...more };
}

/** A call that asks for it; it is done later. */
function afterwards(functions: readonly string[], within: number, more: Partial<CauseRule> = {}): CauseRule {
  return { functions, within, longest: MINUTE, sure: true, ...more };
}

const CREATE = [
  'virDomainCreate',
  'virDomainCreateWithFlags',
  'virDomainCreateWithFiles',
  'virDomainCreateXML',
  'virDomainCreateLinux',
  'virDomainCreateXMLWithFiles',
];
const RESTORE = ['virDomainRestore', 'virDomainRestoreFlags', 'virDomainRestoreParams'];
const SAVE = ['virDomainSave', 'virDomainSaveFlags', 'virDomainSaveParams', 'virDomainManagedSave'];
const MIGRATE = [
  'virDomainMigrate',
  'virDomainMigrate2',
  'virDomainMigrate3',
  'virDomainMigrateToURI',
  'virDomainMigrateToURI2',
  'virDomainMigrateToURI3',
];
const DESTROY = ['virDomainDestroy', 'virDomainDestroyFlags'];
const SHUTDOWN = ['virDomainShutdown', 'virDomainShutdownFlags'];
const REBOOT = ['virDomainReboot', 'virDomainReset'];
const DUMP = ['virDomainCoreDump', 'virDomainCoreDumpWithFormat'];
const REVERT = ['virDomainRevertToSnapshot'];
const SNAPSHOT = ['virDomainSnapshotCreateXML'];
const ATTACH = ['virDomainAttachDevice', 'virDomainAttachDeviceFlags'];
const DETACH = ['virDomainDetachDevice', 'virDomainDetachDeviceFlags', 'virDomainDetachDeviceAlias'];
const UPDATE = ['virDomainUpdateDeviceFlags'];
const BLOCK_JOB = [
  'virDomainBlockCopy',
  'virDomainBlockRebase',
  'virDomainBlockCommit',
  'virDomainBlockPull',
  'virDomainBlockJobAbort',
];
const VCPUS = ['virDomainSetVcpus', 'virDomainSetVcpusFlags', 'virDomainSetVcpu'];

/** Calls whose records may not tell which guest they are about. */
export const GUEST_UNKNOWN: readonly string[] = RESTORE;

const AUTODESTROY = 1 << 1;
const DUMP_CRASH = 1 << 0;
const SNAPSHOT_HALT = 1 << 3;

/** The flags of a call, 0 where it has none. */
export function flagsOf({ arguments: { flags, apiflags } }: CallEvent): number {
  const value = Number(flags ?? apiflags ?? 0);
  return Number.isFinite(value) ? value : 0;
}

const withFlag = (flag: number) => ({ when: (call: CallEvent) => (flagsOf(call) & flag) !== 0 });

/** Commands to the guest's agent or monitor that end it. */
const STOPPING = /guest-shutdown|system_powerdown|"quit"|^\s*quit\b/;
const COMMAND = ['virDomainQemuAgentCommand', 'virDomainQemuMonitorCommand', 'virDomainQemuMonitorCommandWithFiles'];
const COMMANDED = ({ arguments: { cmd } }: CallEvent) => cmd !== undefined && STOPPING.test(cmd);
/** Audit text does not hold commands: they may have been anything. */
const UNTOLD = ({ arguments: { cmd } }: CallEvent) => cmd === undefined;
const TO_DISK = ({ arguments: { target } }: CallEvent) => target === '1';

/** The guest shut itself down, because it was asked to or of its own accord. */
const OF_A_SHUTDOWN: readonly CauseRule[] = [
  during(COMMAND, MINUTE, { when: COMMANDED }),
  afterwards([...SHUTDOWN, ...COMMAND], SHUTDOWN_WINDOW, {
    when: (call) => SHUTDOWN.includes(call.operation) || COMMANDED(call),
  }),
  // Suspended to its disk, a guest powers off.
  afterwards(['virDomainPMSuspendForDuration'], SHUTDOWN_WINDOW, { when: TO_DISK }),
  // Where its definition says that a reboot ends it.
  afterwards(REBOOT, SHUTDOWN_WINDOW, { sure: false }),
  afterwards([...COMMAND, 'virDomainSendKey'], MINUTE, {
    sure: false,
    when: (call) => call.operation === 'virDomainSendKey' || UNTOLD(call),
  }),
];

const STARTS: Readonly<Record<string, readonly CauseRule[]>> = {
  booted: [during(CREATE)],
  // A guest with a saved state is restored by an ordinary start.
  restored: [during([...RESTORE, ...CREATE], DAY)],
  migrated: [during(MIGRATE, DAY)],
  'from-snapshot': [during(REVERT, DAY)],
  reboot: [during(REBOOT), afterwards(REBOOT, SHUTDOWN_WINDOW)],
};

const STOPS: Readonly<Record<string, readonly CauseRule[]>> = {
  shutdown: OF_A_SHUTDOWN,
  destroyed: [
    during(DESTROY),
    during(['virDomainInjectNMI'], MINUTE, { within: MINUTE, sure: false }),
    // The guest goes when the connection does that started it.
    during(CREATE, MINUTE, { within: Number.POSITIVE_INFINITY, sure: false, ...withFlag(AUTODESTROY) }),
  ],
  saved: [during(SAVE, DAY)],
  migrated: [during(MIGRATE, DAY)],
  'from-snapshot': [during(REVERT, DAY), during(SNAPSHOT, DAY, withFlag(SNAPSHOT_HALT))],
  crashed: [
    during(DUMP, DAY, withFlag(DUMP_CRASH)),
    during(['virDomainInjectNMI'], MINUTE, { within: MINUTE, sure: false }),
  ],
  // qemu went without a word: a start that failed, a migration that did, or a signal from elsewhere.
  failed: [
    during([...CREATE, ...RESTORE, ...MIGRATE], DAY, { sure: false }),
    during(['virDomainQemuMonitorCommand', 'virDomainSendProcessSignal'], MINUTE, { within: SECOND, sure: false }),
  ],
  reboot: [during(REBOOT), afterwards(REBOOT, SHUTDOWN_WINDOW)],
};

const RESOURCES: Readonly<Record<string, readonly CauseRule[]>> = {
  attach: [during([...ATTACH, ...UPDATE])],
  detach: [during([...DETACH, ...UPDATE]), afterwards(DETACH, DETACH_WINDOW)],
  update: [during([...UPDATE, ...ATTACH])],
  snapshot: [during(SNAPSHOT, DAY)],
  mirror: [during(BLOCK_JOB, DAY)],
  'mem grown': [during([...ATTACH, ...UPDATE])],
  'mem shrunk': [during([...DETACH, ...UPDATE]), afterwards(DETACH, DETACH_WINDOW)],
  'vcpu grown': [during(VCPUS)],
  'vcpu shrunk': [during(VCPUS), afterwards(VCPUS, DETACH_WINDOW)],
  'iothread grown': [during(['virDomainAddIOThread'])],
  'iothread shrunk': [during(['virDomainDelIOThread'])],
};

/** A reason that is not known here: any call that can stop a guest while it lasts. */
const ANY_STOP = [during([...DESTROY, ...SAVE, ...MIGRATE, ...REVERT, ...DUMP], DAY, { sure: false })];

/** What can have started a guest; the first rules are the likelier ones. */
export function startCauses(reason: string | undefined): readonly CauseRule[] {
  return STARTS[reason ?? ''] ?? [during([...CREATE, ...RESTORE, ...MIGRATE, ...REVERT], DAY, { sure: false })];
}

/** What can have stopped a guest. */
export function stopCauses(reason: string | undefined): readonly CauseRule[] {
  return STOPS[reason ?? ''] ?? ANY_STOP;
}

/** What can have changed a guest's resource. */
export function resourceCauses({ resource, reason, before, after }: ResourceEvent): readonly CauseRule[] {
  const direction = Number(after ?? 0) > Number(before ?? 0) ? 'grown' : 'shrunk';
  return RESOURCES[`${resource} ${direction}`] ?? RESOURCES[reason ?? ''] ?? [];
}

/** Calls that end a guest's run whatever it does, should libvirt's own records be missing. */
export const STOP_FUNCTIONS: ReadonlySet<string> = new Set([...DESTROY, ...SAVE]);
/** Calls that ask for a stop, or make one. */
export const STOP_REQUESTS: ReadonlySet<string> = new Set([...DESTROY, ...SAVE, ...SHUTDOWN, ...REBOOT, ...MIGRATE]);
/** Calls that start a guest. */
export const START_FUNCTIONS: ReadonlySet<string> = new Set(CREATE);

const RULES = [STARTS, STOPS, RESOURCES].flatMap((table) => Object.values(table).flat());

/** All that can cause something, and what tells whether libvirt starts a guest itself. */
export const CAUSING_FUNCTIONS: ReadonlySet<string> = new Set([
  ...RULES.flatMap(({ functions }) => functions),
  'virDomainSetAutostart',
]);
