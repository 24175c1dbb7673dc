/** What programs may import from `virtshim`. */
export { type AuditInput, type ReadAuditOptions, readAuditLog } from './audit/read.js';
export type { AuditField, AuditRecord, FieldList } from './audit/record.js';
export type { Wanted as WantedEvents } from './audit/wanted.js';
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
export {
  type NativeActual,
  type NativeDecision as PolicyDecision,
  type NativeError,
  type NativeExplainedRule,
  type NativeFailedCondition,
  type NativeParameters,
  type NativeRequest as PolicyRequest,
  type NativeScalar,
  type NativeText,
  type NativeXml,
  shimPath,
} from './native.js';
export type { Database, LookUp } from './policy/accounts.js';
export type { CallDocument, ValueDocument } from './policy/call.js';
export type { CaseResult, Expectation } from './policy/cases.js';
export { checkPolicyFile } from './policy/check.js';
export { type Compiled, compilePolicy } from './policy/compile.js';
export { type Diagnostic, type DiagnosticCode, formatDiagnostic, type Severity } from './policy/diagnostic.js';
export type { Verdict as PolicyVerdict } from './policy/diff/side.js';
export {
  type ActorChanges,
  type Analysis,
  type ComparedPolicy,
  type Counterexample,
  type DiffOptions,
  diffPolicies,
  type Judged,
  type Part,
  type PolicyDiff,
  type RecordedChange,
  type TrafficDiff,
} from './policy/diff.js';
export { diffText } from './policy/diff_text.js';
export type { AuditLevel, Effect, Mode, SetName } from './policy/document.js';
export {
  type ExplainedNeed,
  type ExplainedRule,
  type ExplainOptions,
  type Explanation,
  explain,
  explainRecord,
  type Need,
  type OtherSubject,
  type UndecidedFact,
} from './policy/explain.js';
export { explanationText } from './policy/explain_text.js';
export {
  type ImportedPolicy,
  type ImportNote,
  importPolkit,
  importPolkitRules,
  type RulesSource,
} from './policy/import_polkit.js';
export {
  type Installation,
  type InstallOptions,
  installPolicy,
  type PolicyIdentity,
  rollBackPolicy,
} from './policy/install.js';
export { junitXml } from './policy/junit.js';
export {
  type ArgumentsLevel,
  type Combinations,
  type ConnectionsLevel,
  type LearnOptions,
  type LearntPolicy,
  type LeftOut,
  type Levels,
  learnPolicy,
  type NamesLevel,
  type RefusedCall,
  type Score,
  type SubjectsLevel,
} from './policy/learn.js';
export { type Loaded, loadPolicy, loadPolicyFile, type Policy } from './policy/load.js';
export {
  type AccountsDocument,
  type Group,
  type NameService,
  namesWith,
  systemNames,
  type User,
} from './policy/name_service.js';
export type { WrittenCondition } from './policy/rule_conditions.js';
export { type InstalledPolicy, type PolicyStatus, type ProcessPolicies, policyStatus } from './policy/status.js';
export {
  coveredShare,
  type PolicyCoverage,
  type RuleCoverage,
  type TestedCase,
  type TestOptions,
  type TestReport,
  type TestSuite,
  testPolicies,
} from './policy/test.js';
export type { RulePlace } from './policy/usable_policy.js';
export {
  type Answer as WhoCanAnswer,
  type AnsweredCall,
  type RuleUse,
  type Subject as WhoCanSubject,
  type SubjectAnswer,
  type WhoCan,
  type WhoCanOptions,
  whoCan,
} from './policy/who_can.js';
export type { Attribution } from './report/attribution.js';
export { buildSessions, buildTimeline, type Events as ReportEvents } from './report/build_timeline.js';
export type * from './report/event.js';
export { type Selection, select as selectSessions } from './report/selection.js';
export type * from './report/session.js';
export { SessionBuilder, sessionsOf } from './report/sessions.js';
export { type Summary, summaryOf } from './report/summary.js';
export type * from './report/timeline.js';
export { selectTimeline } from './report/timeline_selection.js';
export { trailEvents } from './report/trail_events.js';
export { findGuests, type GuestStop, type WhoAnswer, whoStopped } from './report/who.js';
export type { XmlChange } from './report/xml_difference.js';
export {
  EXPORT_FORMATS,
  type ExportContext,
  type ExportedEvent,
  type ExportFormat,
  exportRecord,
  Outcomes,
} from './trail/export/index.js';
export type { TrailFilter } from './trail/filter.js';
export { type FollowTrailOptions, followTrail } from './trail/follow.js';
export { type ReadTrailOptions, readTrail } from './trail/read.js';
export type * from './trail/record.js';
export * from './trail/rotate.js';
export { VERDICTS, type Verdict, verdictOf } from './trail/verdict.js';
export * from './trail/verify.js';
