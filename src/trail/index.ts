// Trails: reading, showing and verifying what the shim recorded. docs/records.md describes the format.
export { auditLine, auditText } from './audit_text.js';
export { bytesToText, escapeValue, escapeXml, textToBytes, unescapeBytes, unescapeValue } from './escape.js';
export type { TrailFilter } from './filter.js';
export { type FollowTrailOptions, followTrail } from './follow.js';
export { parseRecord } from './parse.js';
export { type ReadTrailOptions, readTrail } from './read.js';
export type * from './record.js';
export * from './rotate.js';
export { VERDICTS, type Verdict, verdictOf } from './verdict.js';
export * from './verify.js';
