/** The events of libvirt by name, and what each of them tells. */
import type { CallbackListeners, CallbackName, callbacksByEventId, callbackTypes } from '../generated/ffi/callbacks.js';
import * as constants from '../generated/ffi/constants.js';
import type { Domain, Network, NodeDevice, Secret, StoragePool } from './classes.js';

/** The numbers that libvirt knows the events by: `virDomainEventID` and its like. */
export const eventIds = {
  domain: {
    lifecycle: constants.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    reboot: constants.VIR_DOMAIN_EVENT_ID_REBOOT,
    rtcChange: constants.VIR_DOMAIN_EVENT_ID_RTC_CHANGE,
    watchdog: constants.VIR_DOMAIN_EVENT_ID_WATCHDOG,
    ioError: constants.VIR_DOMAIN_EVENT_ID_IO_ERROR,
    graphics: constants.VIR_DOMAIN_EVENT_ID_GRAPHICS,
    ioErrorReason: constants.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
    controlError: constants.VIR_DOMAIN_EVENT_ID_CONTROL_ERROR,
    blockJob: constants.VIR_DOMAIN_EVENT_ID_BLOCK_JOB,
    diskChange: constants.VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
    trayChange: constants.VIR_DOMAIN_EVENT_ID_TRAY_CHANGE,
    pmwakeup: constants.VIR_DOMAIN_EVENT_ID_PMWAKEUP,
    pmsuspend: constants.VIR_DOMAIN_EVENT_ID_PMSUSPEND,
    balloonChange: constants.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
    pmsuspendDisk: constants.VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK,
    deviceRemoved: constants.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
    blockJob2: constants.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
    tunable: constants.VIR_DOMAIN_EVENT_ID_TUNABLE,
    agentLifecycle: constants.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
    deviceAdded: constants.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
    migrationIteration: constants.VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
    jobCompleted: constants.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
    deviceRemovalFailed: constants.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED,
    metadataChange: constants.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
    blockThreshold: constants.VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD,
    memoryFailure: constants.VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE,
    memoryDeviceSizeChange: constants.VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
    nicMacChange: constants.VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE,
    vcpuRemoved: constants.VIR_DOMAIN_EVENT_ID_VCPU_REMOVED,
    channelLifecycle: constants.VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE,
  },
  network: {
    lifecycle: constants.VIR_NETWORK_EVENT_ID_LIFECYCLE,
    metadataChange: constants.VIR_NETWORK_EVENT_ID_METADATA_CHANGE,
  },
  storagePool: {
    lifecycle: constants.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE,
    refresh: constants.VIR_STORAGE_POOL_EVENT_ID_REFRESH,
  },
  nodeDevice: {
    lifecycle: constants.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
    update: constants.VIR_NODE_DEVICE_EVENT_ID_UPDATE,
  },
  secret: {
    lifecycle: constants.VIR_SECRET_EVENT_ID_LIFECYCLE,
    valueChanged: constants.VIR_SECRET_EVENT_ID_VALUE_CHANGED,
  },
} as const;

type EventIds = typeof eventIds;

/** What has events of its own, besides the connection. */
export type EventKind = keyof EventIds;

/** The object that an event is about; it belongs to the listener. */
export interface EventSubjects {
  readonly domain: { readonly domain: Domain };
  readonly network: { readonly network: Network };
  readonly storagePool: { readonly pool: StoragePool };
  readonly nodeDevice: { readonly device: NodeDevice };
  readonly secret: { readonly secret: Secret };
}

interface Registers {
  readonly domain: 'virConnectDomainEventRegisterAny';
  readonly network: 'virConnectNetworkEventRegisterAny';
  readonly storagePool: 'virConnectStoragePoolEventRegisterAny';
  readonly nodeDevice: 'virConnectNodeDeviceEventRegisterAny';
  readonly secret: 'virConnectSecretEventRegisterAny';
}

type Callbacks<Kind extends EventKind> = (typeof callbacksByEventId)[Registers[Kind]];
type CallbackOf<Kind extends EventKind, Id> = Callbacks<Kind>[Id & keyof Callbacks<Kind>] & CallbackName;

type Names<Callback extends CallbackName> = (typeof callbackTypes)[Callback]['params'];
type Values<Callback extends CallbackName> = Parameters<CallbackListeners[Callback]>;

/** What a callback is given, under libvirt's names; without the connection and the object. */
export type CallbackFields<Callback extends CallbackName> = {
  readonly [Index in keyof Names<Callback> as Index extends '0' | '1' | keyof (readonly [])
    ? never
    : Names<Callback>[Index] & string]: Index extends keyof Values<Callback> ? Values<Callback>[Index] : never;
};

interface Prefixes {
  readonly domain: 'VIR_DOMAIN_EVENT_';
  readonly network: 'VIR_NETWORK_EVENT_';
  readonly storagePool: 'VIR_STORAGE_POOL_EVENT_';
  readonly nodeDevice: 'VIR_NODE_DEVICE_EVENT_';
  readonly secret: 'VIR_SECRET_EVENT_';
}

type IsWord<Text> = Text extends '' | 'LAST' | `${string}_${string}` ? false : true;

type Lifecycle<Prefix extends string> = {
  [Name in keyof typeof constants]: Name extends `${Prefix}${infer Word}`
    ? IsWord<Word> extends true
      ? Name
      : never
    : never;
}[keyof typeof constants];

type LifecycleNames<Kind extends EventKind> = {
  /** The constant that `event` is; null where this version does not know it. */
  readonly eventName: Lifecycle<Prefixes[Kind]> | null;
  /** The constant that `detail` is; null where there is none. */
  readonly detailName: `${Lifecycle<Prefixes[Kind]>}_${string}` | null;
};

type Flat<Type> = { readonly [Key in keyof Type]: Type[Key] };

type EventOf<Kind extends EventKind, Name extends keyof EventIds[Kind]> = Flat<
  EventSubjects[Kind] &
    CallbackFields<CallbackOf<Kind, EventIds[Kind][Name]>> &
    (Name extends 'lifecycle' ? LifecycleNames<Kind> : unknown)
>;

/** The events of one kind of object: what each of them tells, by its name. */
export type EventsOf<Kind extends EventKind> = {
  readonly [Name in keyof EventIds[Kind] & string]: EventOf<Kind, Name>;
};

export type DomainEvents = EventsOf<'domain'>;
export type NetworkEvents = EventsOf<'network'>;
export type StoragePoolEvents = EventsOf<'storagePool'>;
export type NodeDeviceEvents = EventsOf<'nodeDevice'>;
export type SecretEvents = EventsOf<'secret'>;

/** What qemu said on its monitor. */
export type QemuMonitorEvent = Flat<
  EventSubjects['domain'] & CallbackFields<'virConnectDomainQemuMonitorEventCallback'>
>;

/** The connection to the daemon is no longer there. */
export interface ConnectionCloseEvent {
  /** VIR_CONNECT_CLOSE_REASON_* */
  readonly reason: number;
  readonly reasonName: string | null;
}

export interface ConnectionEvents {
  readonly close: ConnectionCloseEvent;
}

/** The constants of a lifecycle event: `VIR_DOMAIN_EVENT_STARTED`, `VIR_DOMAIN_EVENT_STARTED_BOOTED`. */
export function lifecycleNames(
  kind: EventKind,
  event: unknown,
  detail: unknown,
): { readonly eventName: string | null; readonly detailName: string | null } {
  const eventName = constantName(prefixes[kind], event);
  return { eventName, detailName: eventName === null ? null : constantName(`${eventName}_`, detail, detailWords) };
}

const prefixes: Prefixes = {
  domain: 'VIR_DOMAIN_EVENT_',
  network: 'VIR_NETWORK_EVENT_',
  storagePool: 'VIR_STORAGE_POOL_EVENT_',
  nodeDevice: 'VIR_NODE_DEVICE_EVENT_',
  secret: 'VIR_SECRET_EVENT_',
};

const oneWord = /^[A-Z]+$/;
const detailWords = /^[A-Z_]+$/;
const known = new Map<string, ReadonlyMap<unknown, string>>();

/** The constant with that prefix and value. Longer names with the prefix belong to other enumerations. */
export function constantName(prefix: string, value: unknown, rest: RegExp = oneWord): string | null {
  const names = known.get(prefix) ?? namesOf(prefix, rest);
  known.set(prefix, names);
  return names.get(value) ?? null;
}

function namesOf(prefix: string, rest: RegExp): ReadonlyMap<unknown, string> {
  const fits = (name: string): boolean => {
    const word = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    return rest.test(word) && word !== 'LAST';
  };
  const entries = Object.entries(constants).filter(([name]) => fits(name));
  return new Map(entries.map(([name, value]) => [value, name]));
}
