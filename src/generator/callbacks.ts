// The callback types of libvirt's API: what is copied of each argument, and which event calls which.
import type { RawCallback, RawFacts } from './facts.js';
import { objectKind } from './types.js';
import type { ObjectKind } from './vocabulary.js';

/** How a callback's argument is copied for another thread. */
export type CallbackArgKind =
  | 'Borrowed'
  | 'Object'
  | 'Int'
  | 'UInt'
  | 'LongLong'
  | 'ULongLong'
  | 'Mask'
  | 'Text'
  | 'GraphicsAddress'
  | 'GraphicsSubject'
  | 'TypedParams'
  | 'Error'
  | 'Count'
  | 'Opaque';

export interface CallbackArg {
  readonly name: string;
  readonly cType: string;
  readonly kind: CallbackArgKind;
  readonly object: ObjectKind;
}

/** A callback that tells of something and that libvirt does not wait for. */
export interface EventCallback {
  readonly name: string;
  readonly since: string;
  readonly returns: string;
  readonly args: readonly CallbackArg[];
  /** Called again and again for as long as a condition holds, not once for each time that something happens. */
  readonly levelTriggered: boolean;
}

export interface ApiCallbacks {
  /** In byte order of their names. */
  readonly events: readonly EventCallback[];
  /** Callbacks whose answer libvirt waits for, in byte order. */
  readonly requests: readonly string[];
  /** For each function that registers for an event by its id: event id -> name of the callback type. */
  readonly byEventId: ReadonlyMap<string, ReadonlyMap<number, string>>;
}

// What a program answers. The functions are written by hand: native/addon/callback_requests.cc.
const requests = [
  'virConnectAuthCallbackPtr',
  'virStreamSinkFunc',
  'virStreamSinkHoleFunc',
  'virStreamSourceFunc',
  'virStreamSourceHoleFunc',
  'virStreamSourceSkipFunc',
];

// What a program hands to virEventRegisterImpl, and what is passed on as it is.
const passedAsPointers = [
  ...['virEventAddHandleFunc', 'virEventUpdateHandleFunc', 'virEventRemoveHandleFunc'],
  ...['virEventAddTimeoutFunc', 'virEventUpdateTimeoutFunc', 'virEventRemoveTimeoutFunc', 'virFreeCallback'],
];

const levelTriggered = ['virEventHandleCallback', 'virEventTimeoutCallback', 'virStreamEventCallback'];

const kinds: Readonly<Record<string, CallbackArgKind>> = {
  int: 'Int',
  'unsigned int': 'UInt',
  'long long': 'LongLong',
  'unsigned long long': 'ULongLong',
  'const char *': 'Text',
  'void *': 'Opaque',
  virConnectPtr: 'Borrowed',
  virAdmConnectPtr: 'Borrowed',
  virErrorPtr: 'Error',
  virTypedParameterPtr: 'TypedParams',
  'const virDomainEventGraphicsAddress *': 'GraphicsAddress',
  'const virDomainEventGraphicsSubject *': 'GraphicsSubject',
};

interface EventFamily {
  readonly enumName: string;
  readonly constantPrefix: string;
  readonly callbackPrefix: string;
}

const families = new Map(['Domain', 'Network', 'NodeDevice', 'Secret', 'StoragePool'].map(familyOf));

function familyOf(kind: string): readonly [string, EventFamily] {
  const words = kind.replace(/\B[A-Z]/g, '_$&').toUpperCase();
  const callbackPrefix = `virConnect${kind}Event`;
  return [
    `${callbackPrefix}RegisterAny`,
    { enumName: `vir${kind}EventID`, constantPrefix: `VIR_${words}_EVENT_ID_`, callbackPrefix },
  ];
}

/** Events that are not called as their callbacks are. */
const unlikeTheirNames: Readonly<Record<string, string>> = {
  VIR_DOMAIN_EVENT_ID_LIFECYCLE: '',
  VIR_DOMAIN_EVENT_ID_REBOOT: 'Generic',
  VIR_DOMAIN_EVENT_ID_CONTROL_ERROR: 'Generic',
  VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2: 'BlockJob',
  VIR_NODE_DEVICE_EVENT_ID_UPDATE: 'Generic',
  VIR_SECRET_EVENT_ID_VALUE_CHANGED: 'Generic',
  VIR_STORAGE_POOL_EVENT_ID_REFRESH: 'Generic',
};

/** Adds to `problems` what a new libvirt brought that nobody has looked at yet. */
export function buildCallbacks(facts: RawFacts, problems: string[]): ApiCallbacks {
  const names = new Set(facts.callbacks.map((callback) => callback.name));
  for (const name of [...requests, ...passedAsPointers]) {
    if (!names.has(name)) problems.push(`libvirt.json: the callback \`${name}\` is gone`);
  }
  const byHand = new Set([...requests, ...passedAsPointers]);
  const events = facts.callbacks.filter((callback) => !byHand.has(callback.name));
  return {
    events: events.map((callback) => eventCallback(callback, problems)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    requests,
    byEventId: new Map([...families].map(([fn, family]) => [fn, callbacksOf(facts, family, problems)])),
  };
}

function callbacksOf(facts: RawFacts, family: EventFamily, problems: string[]): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const { name, value } of facts.enums[family.enumName]?.values ?? []) {
    if (name.endsWith('_LAST')) continue;
    const callback = callbackNamed(name, family, facts);
    if (callback === undefined || typeof value !== 'number') {
      problems.push(`${name}: has no callback that is called after it: see src/generator/callbacks.ts`);
    } else {
      found.set(value, callback);
    }
  }
  return found;
}

// VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE -> virConnectDomainEventNICMACChangeCallback
function callbackNamed(event: string, { constantPrefix, callbackPrefix }: EventFamily, facts: RawFacts) {
  const own = unlikeTheirNames[event] ?? event.slice(constantPrefix.length).replaceAll('_', '');
  const wanted = `${callbackPrefix}${own}Callback`.toLowerCase();
  return facts.callbacks.find(({ name }) => name.toLowerCase() === wanted)?.name;
}

function eventCallback(callback: RawCallback, problems: string[]): EventCallback {
  return {
    name: callback.name,
    since: callback.since ?? '',
    returns: callback.returns,
    levelTriggered: levelTriggered.includes(callback.name),
    args: callback.args.map(({ name, type }) => {
      const kind = kindOf(callback.name, name, type);
      if (kind === undefined) problems.push(`${callback.name}: unknown type \`${type}\``);
      return { name, cType: type, kind: kind ?? 'Opaque', object: objectKind(type) };
    }),
  };
}

function kindOf(callback: string, name: string, type: string): CallbackArgKind | undefined {
  if (name === 'nparams') return 'Count';
  if (name === 'events' && levelTriggered.includes(callback)) return 'Mask';
  return kinds[type] ?? (objectKind(type) === 'None' ? undefined : 'Object');
}
