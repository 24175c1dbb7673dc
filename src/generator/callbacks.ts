// The callback types of libvirt's API: what is copied of each argument.
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
  };
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
