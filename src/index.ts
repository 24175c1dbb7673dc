/** What programs may import from `virtshim`. */
export { ERROR_CODES, type ErrorCode, VirtshimError } from './errors.js';
export { shimPath } from './native.js';
export { checkPolicyFile } from './policy/check.js';
export { type Compiled, compilePolicy } from './policy/compile.js';
export { type Diagnostic, type DiagnosticCode, formatDiagnostic, type Severity } from './policy/diagnostic.js';
export { type Loaded, loadPolicy, loadPolicyFile, type Policy } from './policy/load.js';
export { readTrail } from './trail/read.js';
export type { TrailLine, TrailRecord } from './trail/record.js';
export { type TrailProblem, type TrailVerification, type VerifyOptions, verifyTrail } from './trail/verify.js';
