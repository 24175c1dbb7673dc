/** What a timeline is made of: trails, and the audit logs. */
import type { AuditInput } from '../../audit/read.js';
import type { Wanted } from '../../audit/wanted.js';
import { VirtshimError } from '../../errors.js';
import { defaultTrail } from '../../folders.js';
import { printable } from '../../printable.js';
import { buildTimeline } from '../../report/build_timeline.js';
import type { ReportEvent } from '../../report/event.js';
import type { Timeline } from '../../report/timeline.js';
import { trailFiles } from '../../trail/lines.js';
import type { LogReading } from './reading.js';
import { inputsOf } from './request.js';

export interface SourceOptions {
  /** Folders or files; by default where programs record that name none, if the audit logs are this machine's own. */
  readonly trail?: readonly string[];
  /** Audit logs; by default those of auditd. */
  readonly file?: readonly string[];
  readonly stdin?: boolean;
}

/** The timeline of all of these. Of the default places, one that cannot be read is told and left out. */
export function readTimeline(reading: LogReading, options: SourceOptions, wanted: Wanted): Promise<Timeline> {
  return buildTimeline(eventsOf(reading, options, wanted));
}

async function* eventsOf(reading: LogReading, options: SourceOptions, wanted: Wanted): AsyncGenerator<ReportEvent> {
  for (const trail of await trailsOf(options)) yield* reading.trail(trail);
  yield* reading.events(await logsOf(options), { wanted });
}

async function trailsOf({ trail, file, stdin }: SourceOptions): Promise<readonly string[]> {
  if (trail !== undefined) return trail;
  if (file !== undefined || stdin === true) return [];
  const folder = process.env.VIRTSHIM_TRAIL ?? defaultTrail();
  return orNothing('calls that only a trail holds are missing', async () => {
    await trailFiles(folder);
    return [folder];
  });
}

function logsOf({ file, stdin }: SourceOptions): Promise<readonly AuditInput[]> {
  const inputs = () => inputsOf({ ...(file && { file }), ...(stdin && { stdin }), format: 'table' });
  if (file !== undefined || stdin === true) return inputs();
  return orNothing("libvirt's own records of starts and stops are missing", inputs);
}

async function orNothing<Found>(missing: string, find: () => Promise<readonly Found[]>): Promise<readonly Found[]> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof VirtshimError)) throw error;
    process.stderr.write(`virtshim: warning: ${printable(error.message)}: ${missing}\n`);
    return [];
  }
}
