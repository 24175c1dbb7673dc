/** Functions whose callbacks have no function to free them, or share their pointer, or are to be named again. */
import { type ByHandFunctions, byHand } from '../../generated/ffi/by_hand.js';
import { callbackTypes } from '../../generated/ffi/callbacks.js';
import type { NativeCallback } from '../../native.js';
import { arg } from '../args.js';
import { callbackArgs, forget, forgetStreamListener, listen } from '../callbacks.js';
import type { Call, Codec } from '../codec.js';
import { define } from '../define.js';
import { attached } from '../library.js';
import { wrongArgument } from '../problems.js';
import { handler } from '../requests.js';
import { returns } from '../returns.js';

const { registeredCallback, registeredCloseCallback } = callbackArgs;

type Plain<Name extends keyof ByHandFunctions> = (
  ...args: Parameters<ByHandFunctions[Name]>
) => ReturnType<ByHandFunctions[Name]>;

export const virConnectDomainEventDeregister = define<Plain<'virConnectDomainEventDeregister'>>({
  ...byHand.virConnectDomainEventDeregister,
  order: 0,
  args: [arg.object('conn', 0), registeredCallback('cb', 'virConnectDomainEventCallback', 1)],
  returns: returns.status,
});

export const virConnectUnregisterCloseCallback = define<Plain<'virConnectUnregisterCloseCallback'>>({
  ...byHand.virConnectUnregisterCloseCallback,
  order: 0,
  args: [arg.object('conn', 0), registeredCloseCallback('cb', 'virConnectCloseFunc', 1)],
  returns: returns.status,
});

export const virAdmConnectUnregisterCloseCallback = define<Plain<'virAdmConnectUnregisterCloseCallback'>>({
  ...byHand.virAdmConnectUnregisterCloseCallback,
  args: [arg.object('conn', 0), registeredCloseCallback('cb', 'virAdmConnectCloseFunc', 1)],
  returns: returns.status,
});

/** Streams of the remote driver keep what they were given for ever. */
function streamListened(name: string, index: number): Codec {
  const { put } = arg.object(name, index);
  const end = (call: Call, succeeded: boolean): void => {
    if (succeeded) forgetStreamListener(call.c[index]);
  };
  return { name, input: true, put, end };
}

export const virStreamEventRemoveCallback = define<Plain<'virStreamEventRemoveCallback'>>({
  ...byHand.virStreamEventRemoveCallback,
  args: [streamListened('stream', 0)],
  returns: returns.status,
});

// The listener that is told of errors, by the connection; null: of all.
const errorListeners = new Map<bigint | null, NativeCallback>();

/** libvirt keeps one handler, and never says that it has let go of it. */
function errorHandler(
  name: string,
  index: number,
  userDataIndex: number,
  whoseOf: (call: Call) => bigint | null,
): Codec {
  const put = (call: Call, value: unknown): void => {
    call.c[index] = whoseOf(call) === null ? silence() : null;
    call.c[userDataIndex] = null;
    if (value === null || value === undefined) return;
    if (typeof value !== 'function') wrongArgument(call.functionName, name, 'a function or null', value);
    const made = listen('virErrorFunc', value as () => void);
    call.notes[index] = made;
    call.c[index] = made.callback;
    call.c[userDataIndex] = made.opaque;
  };
  const end = (call: Call, succeeded: boolean): void => {
    const made = call.notes[index] as NativeCallback | undefined;
    const dropped = succeeded ? errorListeners.get(whoseOf(call)) : made;
    if (dropped !== undefined) forget(dropped);
    if (!succeeded) return;
    if (made === undefined) errorListeners.delete(whoseOf(call));
    else errorListeners.set(whoseOf(call), made);
  };
  return { name, input: true, put, end };
}

// Calls nobody: libvirt would print errors by itself.
function silence(): bigint {
  return attached().callbackPointer(callbackTypes.virErrorFunc.id);
}

/** null: nobody is told any more. Errors of connections that have a listener of their own are only told to that. */
export const virSetErrorFunc = define<Plain<'virSetErrorFunc'>>({
  ...byHand.virSetErrorFunc,
  args: [errorHandler('handler', 1, 0, () => null)],
  returns: returns.nothing,
});

/** null: errors of the connection are those of virSetErrorFunc's listener again. */
export const virConnSetErrorFunc = define<Plain<'virConnSetErrorFunc'>>({
  ...byHand.virConnSetErrorFunc,
  args: [arg.object('conn', 0), errorHandler('handler', 2, 1, (call) => call.c[0] as bigint)],
  returns: returns.nothing,
});

const noBytes = new Uint8Array();

/** A buffer's worth of data; none at the end. */
function source(index: number, opaqueIndex: number): Codec {
  const answer = (result: unknown, [room]: readonly unknown[]): unknown => {
    if (result === null || result === undefined) return noBytes;
    if (!(result instanceof Uint8Array))
      wrongArgument('the stream', 'what handler returns', 'a Uint8Array or null', result);
    if (result.length > Number(room))
      throw new RangeError(`handler returned more than the ${room} bytes that it was asked for`);
    return result;
  };
  return handler('handler', 'virStreamSourceFunc', answer, index, opaqueIndex);
}

function sink(index: number, opaqueIndex: number): Codec {
  return handler('handler', 'virStreamSinkFunc', (_, [data]) => (data as Uint8Array).length, index, opaqueIndex);
}

const done = (): number => 0;

function section(result: unknown): unknown {
  if (typeof result === 'object' && result !== null && 'inData' in result && 'length' in result) {
    const { inData, length } = result;
    if (typeof inData === 'boolean' && (typeof length === 'bigint' || Number.isSafeInteger(length)))
      return [inData, length];
  }
  return wrongArgument('the stream', 'what holeHandler returns', 'an object with `inData` and `length`', result);
}

/** Sends what `handler` returns, until that is null or empty. */
export const virStreamSendAll = define<Plain<'virStreamSendAll'>>({
  ...byHand.virStreamSendAll,
  args: [arg.object('stream', 0), source(1, 2)],
  returns: returns.status,
});

export const virStreamRecvAll = define<Plain<'virStreamRecvAll'>>({
  ...byHand.virStreamRecvAll,
  args: [arg.object('stream', 0), sink(1, 2)],
  returns: returns.status,
});

/** `holeHandler` tells what there is at this place, and for how many bytes. */
export const virStreamSparseSendAll = define<Plain<'virStreamSparseSendAll'>>({
  ...byHand.virStreamSparseSendAll,
  args: [
    arg.object('stream', 0),
    source(1, 4),
    handler('holeHandler', 'virStreamSourceHoleFunc', section, 2, 4),
    handler('skipHandler', 'virStreamSourceSkipFunc', done, 3, 4),
  ],
  returns: returns.status,
});

export const virStreamSparseRecvAll = define<Plain<'virStreamSparseRecvAll'>>({
  ...byHand.virStreamSparseRecvAll,
  args: [arg.object('stream', 0), sink(1, 3), handler('holeHandler', 'virStreamSinkHoleFunc', done, 2, 3)],
  returns: returns.status,
});
