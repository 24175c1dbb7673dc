/** What programs may import from `virtshim`. */
export { ERROR_CODES, type ErrorCode, VirtshimError } from './errors.js';
export { LibvirtError, PolicyDeniedError } from './ffi/errors.js';
export type * from './ffi/values.js';
export * as constants from './generated/ffi/constants.js';
export type * from './generated/ffi/structs.js';
export { type Actor, currentActor, withActor, withReason } from './libvirt/actor.js';
export * from './libvirt/classes.js';
export { configure, type Settings } from './libvirt/configure.js';
export * from './libvirt/functions.js';
export { LibvirtObject } from './libvirt/object.js';
export { shimPath } from './native.js';
export { checkPolicyFile } from './policy/check.js';
export { type Compiled, compilePolicy } from './policy/compile.js';
export { type Diagnostic, type DiagnosticCode, formatDiagnostic, type Severity } from './policy/diagnostic.js';
export { type Loaded, loadPolicy, loadPolicyFile, type Policy } from './policy/load.js';
export { readTrail } from './trail/read.js';
export type { TrailLine, TrailRecord } from './trail/record.js';
export { type TrailProblem, type TrailVerification, type VerifyOptions, verifyTrail } from './trail/verify.js';
