/** What programs may import from `virtshim`. */
export { ERROR_CODES, type ErrorCode, type ErrorDetails, VirtshimError } from './errors.js';
export { LibvirtError, PolicyDeniedError } from './ffi/errors.js';
export type * from './ffi/values.js';
export * as constants from './generated/ffi/constants.js';
export type * from './generated/ffi/structs.js';
export type * from './generated/ffi/types.js';
export { type Actor, currentActor, withActor, withReason } from './libvirt/actor.js';
export type {
  AuthOptions,
  AuthOptionsSync,
  CredentialAnswers,
  CredentialRequest,
  CredentialType,
} from './libvirt/auth.js';
export * from './libvirt/classes.js';
export { configure, type Settings } from './libvirt/configure.js';
export type { OpenOptions } from './libvirt/domain.js';
export type { MonitorOptions } from './libvirt/event_sources.js';
export type { EventOptions, EventStream } from './libvirt/event_stream.js';
export type {
  ConnectionCloseEvent,
  ConnectionEvents,
  DomainEvents,
  EventKind,
  EventSubjects,
  EventsOf,
  NetworkEvents,
  NodeDeviceEvents,
  QemuMonitorEvent,
  SecretEvents,
  StoragePoolEvents,
} from './libvirt/event_types.js';
export type { EventWatcher, WatcherEvents } from './libvirt/event_watcher.js';
export type { EventStreamOptions, EventSubject, WatchedEvents, WatchOptions } from './libvirt/events.js';
export * from './libvirt/functions.js';
export type { FlowDuplex, FlowOptions, FlowReadable, FlowWritable } from './libvirt/node_streams.js';
export { LibvirtObject, type Release } from './libvirt/object.js';
export type { Screenshot, TransferOptions } from './libvirt/streams.js';
export { setThreads } from './libvirt/threads.js';
export { type NativeError, shimPath } from './native.js';
export type { Database, LookUp } from './policy/accounts.js';
export { checkPolicyFile } from './policy/check.js';
export { type Compiled, compilePolicy } from './policy/compile.js';
export { type Diagnostic, type DiagnosticCode, formatDiagnostic, type Severity } from './policy/diagnostic.js';
export type { AuditLevel, Effect, Mode, SetName } from './policy/document.js';
export { type Loaded, loadPolicy, loadPolicyFile, type Policy } from './policy/load.js';
export { readTrail } from './trail/read.js';
export type * from './trail/record.js';
export * from './trail/verify.js';
