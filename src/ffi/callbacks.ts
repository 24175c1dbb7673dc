/** Listeners in JavaScript for what libvirt tells by calling a C function. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallbackName, callbacksByEventId, callbackTypes } from '../generated/ffi/callbacks.js';
import type { NativeCallback } from '../native.js';
import type { Call, Codec } from './codec.js';
import { attached } from './library.js';
import { wrongArgument } from './problems.js';

type Listener = (...values: never[]) => unknown;

interface Registration extends NativeCallback {
  readonly name: CallbackName;
  /** The handle that it was registered with, where there was one. */
  readonly handle: unknown;
}

// What was registered of each listener; those that libvirt has let go of are taken out when something is added.
const registrations = new WeakMap<Listener, Registration[]>();

// A stream has one listener at most.
const streamListeners = new Map<unknown, NativeCallback>();

/**
 * Makes a C callback of `listener`, which runs in the asynchronous context of this call. Until libvirt lets go of it, it
 * keeps the process alive, unless it only waits for an error or for a connection to close. For a registration that failed
 * there is forget().
 */
export function listen(name: CallbackName, listener: Listener, handle: unknown = undefined): NativeCallback {
  const native = attached();
  const inThisContext = AsyncLocalStorage.snapshot();
  const made = native.callback(callbackTypes[name].id, (...values) => inThisContext(listener, ...values));
  const alive = registered(listener).filter(({ opaque }) => native.isRegistered(opaque));
  registrations.set(listener, [...alive, { ...made, name, handle }]);
  return made;
}

/** Drops a callback that libvirt has not taken, or that it has taken without a function to free it. */
export function forget({ opaque }: NativeCallback): void {
  attached().dropCallback(opaque);
}

/** Drops all that `listener` was registered with: for drivers that take a callback and never say that it is over. */
export function forgetListener(listener: Listener): void {
  registered(listener).forEach(forget);
}

/** What `listener` was registered as, undefined where it is not. */
function registrationOf(name: CallbackName, listener: unknown, handle: unknown): Registration | undefined {
  if (typeof listener !== 'function') return undefined;
  return registered(listener as Listener).findLast(
    (one) => one.name === name && one.handle === handle && attached().isRegistered(one.opaque),
  );
}

/** Lets the process end although `listener` is registered. */
export function unrefListener(listener: Listener): void {
  for (const { opaque } of registered(listener)) attached().unrefCallback(opaque);
}

/** Takes unrefListener() back: while `listener` is registered, the process does not end by itself. */
export function refListener(listener: Listener): void {
  for (const { opaque } of registered(listener)) attached().refCallback(opaque);
}

function registered(listener: Listener): readonly Registration[] {
  return registrations.get(listener) ?? [];
}

/** A callback with its pointer and what frees it: one listener in JavaScript. */
function callback(name: string, type: CallbackName, index: number, opaqueIndex: number, freeIndex: number): Codec {
  return listenerCodec(name, () => type, [index, opaqueIndex, freeIndex]);
}

/** The same where the type of the callback depends on the event that another argument, which comes first, tells. */
function eventCallback(
  name: string,
  register: keyof typeof callbacksByEventId,
  eventIndex: number,
  ...indices: readonly [index: number, opaqueIndex: number, freeIndex: number]
): Codec {
  const types: Readonly<Record<number, CallbackName>> = callbacksByEventId[register];
  const typeOf = (call: Call): CallbackName => {
    const event = call.c[eventIndex];
    return types[Number(event)] ?? wrongArgument(call.functionName, 'eventID', 'an event that virtshim knows', event);
  };
  return listenerCodec(name, typeOf, indices);
}

function listenerCodec(
  name: string,
  typeOf: (call: Call) => CallbackName,
  [index, opaqueIndex, freeIndex]: readonly [number, number, number],
): Codec {
  const put = (call: Call, value: unknown): void => {
    if (typeof value !== 'function') wrongArgument(call.functionName, name, 'a function', value);
    const made = listen(typeOf(call), value as Listener, call.c[0]);
    call.notes[index] = made;
    call.c[index] = made.callback;
    call.c[opaqueIndex] = made.opaque;
    call.c[freeIndex] = made.free;
  };
  const end = (call: Call, succeeded: boolean): void => {
    const made = call.notes[index] as NativeCallback | undefined;
    if (made === undefined) return;
    if (!succeeded) forget(made);
    else if (typeOf(call) === 'virStreamEventCallback') streamListeners.set(call.c[0], made);
  };
  return { name, input: true, put, end };
}

/** Drops the listener of a stream that has been taken from it. */
export function forgetStreamListener(stream: unknown): void {
  const made = streamListeners.get(stream);
  streamListeners.delete(stream);
  if (made !== undefined) forget(made);
}

/** The listener of a registration that is to end: libvirt wants the C function that it was registered with. */
function registeredCallback(name: string, type: CallbackName, index: number): Codec {
  const put = (call: Call, value: unknown): void => {
    const found = registrationOf(type, value, call.c[0]);
    if (found === undefined) wrongArgument(call.functionName, name, 'a listener that is registered here', value);
    call.notes[index] = found;
    call.c[index] = found.callback;
  };
  return { name, input: true, put };
}

/** The same for connections, of whose drivers some take no listeners, and never let go of what they were given. */
function registeredCloseCallback(name: string, type: CallbackName, index: number): Codec {
  const end = (call: Call, succeeded: boolean): void => {
    if (succeeded) forget(call.notes[index] as Registration);
  };
  return { ...registeredCallback(name, type, index), end };
}

export const callbackArgs = { callback, eventCallback, registeredCallback, registeredCloseCallback };
