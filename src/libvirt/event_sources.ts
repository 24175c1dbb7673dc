/** Where events come from: how each kind is asked for, and made of what libvirt's callback is given. */
import { VirtshimError } from '../errors.js';
import * as ffi from '../ffi/index.js';
import type { Pointer } from '../ffi/values.js';
import { type CallbackName, callbacksByEventId, callbackTypes } from '../generated/ffi/callbacks.js';
import type { virConnectPtr } from '../generated/ffi/types.js';
import type { Connection } from './classes.js';
import { type EventKind, type EventsOf, eventIds, lifecycleNames, type QemuMonitorEvent } from './event_types.js';
import { kinds } from './kinds.js';
import { during, type LibvirtObject } from './object.js';

/** A listener as the low-level functions take it. */
export type RawListener = (...values: unknown[]) => void;

/** One sort of events of a connection. */
export interface EventSource<Event> {
  /** Asks libvirt to call `listener`; resolves to the number of the registration. */
  add(connection: virConnectPtr, listener: RawListener): Promise<number>;
  remove(connection: virConnectPtr, id: number, listener: RawListener): Promise<void>;
  /** The event that the listener was told of. What it is about is owned by whoever gets the event. */
  make(values: readonly unknown[]): Event;
  /** For an event that nobody will get. */
  discard(event: Event): void;
}

interface KindFacts {
  readonly register: keyof typeof callbacksByEventId;
  /** What the object is called in the event, and in the options. */
  readonly subject: string;
  wrap(pointer: Pointer<string>, connection: Connection): LibvirtObject<string>;
  add(connection: virConnectPtr, subject: Pointer<never> | undefined, id: number, cb: RawListener): Promise<number>;
  remove(connection: virConnectPtr, id: number): Promise<void>;
}

const facts: Readonly<Record<EventKind, KindFacts>> = {
  domain: {
    register: 'virConnectDomainEventRegisterAny',
    subject: 'domain',
    wrap: (pointer: Pointer<'virDomain'>, connection) => new kinds.Domain(pointer, connection),
    add: ffi.virConnectDomainEventRegisterAny.async,
    remove: ffi.virConnectDomainEventDeregisterAny.async,
  },
  network: {
    register: 'virConnectNetworkEventRegisterAny',
    subject: 'network',
    wrap: (pointer: Pointer<'virNetwork'>, connection) => new kinds.Network(pointer, connection),
    add: ffi.virConnectNetworkEventRegisterAny.async,
    remove: ffi.virConnectNetworkEventDeregisterAny.async,
  },
  storagePool: {
    register: 'virConnectStoragePoolEventRegisterAny',
    subject: 'pool',
    wrap: (pointer: Pointer<'virStoragePool'>, connection) => new kinds.StoragePool(pointer, connection),
    add: ffi.virConnectStoragePoolEventRegisterAny.async,
    remove: ffi.virConnectStoragePoolEventDeregisterAny.async,
  },
  nodeDevice: {
    register: 'virConnectNodeDeviceEventRegisterAny',
    subject: 'device',
    wrap: (pointer: Pointer<'virNodeDevice'>, connection) => new kinds.NodeDevice(pointer, connection),
    add: ffi.virConnectNodeDeviceEventRegisterAny.async,
    remove: ffi.virConnectNodeDeviceEventDeregisterAny.async,
  },
  secret: {
    register: 'virConnectSecretEventRegisterAny',
    subject: 'secret',
    wrap: (pointer: Pointer<'virSecret'>, connection) => new kinds.Secret(pointer, connection),
    add: ffi.virConnectSecretEventRegisterAny.async,
    remove: ffi.virConnectSecretEventDeregisterAny.async,
  },
};

/** What an event may be limited to: `{ domain }` and its like. */
export type SubjectOption = Readonly<Record<string, unknown>>;

/** The event `name` of a kind of object: of all, or of the one that `options` name. */
export function eventSource<Kind extends EventKind, Name extends keyof EventsOf<Kind>>(
  kind: Kind,
  name: Name,
  connection: Connection,
  options: SubjectOption,
): EventSource<EventsOf<Kind>[Name]> {
  const { register, subject, add, remove, wrap } = facts[kind];
  const id = eventId(kind, String(name));
  const only = options[subject] as LibvirtObject<never> | undefined;
  const callback = (callbacksByEventId[register] as Readonly<Record<number, CallbackName>>)[id] as CallbackName;
  return {
    add: (pointer, listener) => holding(only, add(pointer, only?.pointer, id, listener)),
    remove: (pointer, registration) => remove(pointer, registration),
    make: (values) => {
      const fields = fieldsOf(callback, values);
      const names = name === 'lifecycle' ? lifecycleNames(kind, fields.event, fields.detail) : {};
      return { [subject]: wrap(values[1] as Pointer<string>, connection), ...fields, ...names } as EventsOf<Kind>[Name];
    },
    discard: (event) => discard((event as Readonly<Record<string, unknown>>)[subject]),
  };
}

/** Throws VIRTSHIM_ARGUMENT where there is no such event. */
function eventId(kind: EventKind, name: string): number {
  const ids: Readonly<Record<string, number>> = eventIds[kind];
  const id = Object.hasOwn(ids, name) ? ids[name] : undefined;
  if (id !== undefined) return id;
  throw new VirtshimError('VIRTSHIM_ARGUMENT', `\`${name}\` is no event of a ${kind}`, {
    hint: `one of ${Object.keys(ids).join(', ')}`,
  });
}

export interface MonitorOptions {
  /** The event's name; all where it is left out. */
  readonly event?: string | undefined;
  /** VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_*: whether `event` is a regular expression, and its case. */
  readonly flags?: number | undefined;
}

/** What qemu says on its monitor. */
export function monitorSource(
  connection: Connection,
  { event, flags, ...options }: MonitorOptions & SubjectOption,
): EventSource<QemuMonitorEvent> {
  const only = options.domain as LibvirtObject<'virDomain'> | undefined;
  const { async: add } = ffi.virConnectDomainQemuMonitorEventRegister;
  return {
    add: (pointer, listener) => holding(only, add(pointer, only?.pointer, event, listener, flags)),
    remove: (pointer, registration) => ffi.virConnectDomainQemuMonitorEventDeregister.async(pointer, registration),
    make: (values) => {
      const domain = new kinds.Domain(values[1] as Pointer<'virDomain'>, connection);
      return { domain, ...fieldsOf('virConnectDomainQemuMonitorEventCallback', values) } as QemuMonitorEvent;
    },
    discard: ({ domain }) => discard(domain),
  };
}

function holding<T>(object: LibvirtObject<string> | undefined, call: Promise<T>): Promise<T> {
  return object === undefined ? call : during(object, call);
}

// The first two are the connection and the object.
function fieldsOf(callback: CallbackName, values: readonly unknown[]): Record<string, unknown> {
  const { params } = callbackTypes[callback];
  return Object.fromEntries(params.slice(2).map((name, i) => [name, values[i + 2]]));
}

function discard(object: unknown): void {
  (object as LibvirtObject<string>).free().catch(() => undefined);
}
