/**
 * `virtshim/ffi`: every public function of libvirt under its own name. Each call passes the shim, which judges and
 * records it. Handles are addresses: release them with libvirt's own functions, and never use one afterwards.
 */
export { ERROR_CODES, type ErrorCode, VirtshimError } from '../errors.js';
export type { ByHandFunctions } from '../generated/ffi/by_hand.js';
export { byHand } from '../generated/ffi/by_hand.js';
export type { CallbackListeners, CallbackName, GraphicsAddress, GraphicsSubject } from '../generated/ffi/callbacks.js';
export * from '../generated/ffi/constants.js';
export type { EventListener, EventOf } from '../generated/ffi/events.js';
export * from '../generated/ffi/functions.js';
export * from '../generated/ffi/structs.js';
export type * from '../generated/ffi/types.js';
export type { Auth, Credential, Credentials } from './auth.js';
export { installedVersion } from './available.js';
export * from './by_hand/index.js';
export { refListener, unrefListener } from './callbacks.js';
export type { LibvirtFunction } from './define.js';
export { LibvirtError, PolicyDeniedError } from './errors.js';
export { startEventLoop, stopEventLoop } from './event_loop.js';
export type { Struct } from './structs.js';
export type {
  Integer64,
  Pointer,
  TypedInput,
  TypedParameters,
  TypedParameterValues,
  TypedScalar,
  TypedValue,
  TypedValueType,
} from './values.js';
