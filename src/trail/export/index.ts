/** Records of a trail as events of the log systems that people have. docs/trail.md has tables of what becomes what. */
import type { TrailRecord } from '../record.js';
import { cadfEvent } from './cadf.js';
import type { ExportContext, ExportedEvent, Exporter } from './context.js';
import { ecsEvent } from './ecs.js';
import type { ExportFormat } from './formats.js';
import { ocsfEvent } from './ocsf.js';

export type { ExportContext, ExportedEvent } from './context.js';
export { EXPORT_FORMATS, type ExportFormat } from './formats.js';
export { Outcomes } from './outcomes.js';

const EXPORTERS: Readonly<Record<ExportFormat, Exporter>> = { cadf: cadfEvent, ecs: ecsEvent, ocsf: ocsfEvent };

/** The record as an event. Bytes that are no UTF-8 are written `\xHH`: readers of JSON refuse half surrogate pairs. */
export function exportRecord(format: ExportFormat, record: TrailRecord, context: ExportContext): ExportedEvent {
  return EXPORTERS[format](wellFormed(record), context);
}

const LONE = /\p{Surrogate}/gu;

function wellFormed(record: TrailRecord): TrailRecord {
  const text = JSON.stringify(record);
  // JSON has them as escapes, which nothing else in a record is likely to look like.
  if (!/\\ud[89a-f]/.test(text)) return record;
  return JSON.parse(text, (_key, value) =>
    typeof value === 'string'
      ? value.replace(LONE, (half) => `\\x${half.charCodeAt(0).toString(16).slice(2).toUpperCase()}`)
      : value,
  );
}
