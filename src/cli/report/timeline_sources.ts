/** What a timeline is made of: trails, and the audit logs. */
import type { AuditInput } from '../../audit/read.js';
import { EVERYTHING, type Wanted } from '../../audit/wanted.js';
import { VirtshimError } from '../../errors.js';
import { defaultTrail } from '../../folders.js';
import { printable } from '../../printable.js';
import { TimelineBuilder } from '../../report/build_timeline.js';
import { CAUSING_FUNCTIONS } from '../../report/causes.js';
import type { Timeline } from '../../report/timeline.js';
import type { TrailFilter } from '../../trail/filter.js';
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

/** What has to be there of the default places: the audit logs, or nothing in particular; what is missing is told. */
type Needed = 'logs' | 'nothing';

/** The timeline of all of these. */
export async function readTimeline(reading: LogReading, options: SourceOptions): Promise<Timeline> {
  return (await collected(reading, options, EVERYTHING, 'nothing')).finish();
}

/** The timeline of starts and stops, and of the calls that can cause them: much less of long trails. */
export async function readStops(reading: LogReading, options: SourceOptions): Promise<Timeline> {
  const wanted = { resources: false, security: false };
  return (await collected(reading, options, wanted, 'nothing', { functions: CAUSING_FUNCTIONS })).finish();
}

/** The sessions that the audit logs tell of, and who caused them. */
export async function readSessions(reading: LogReading, options: SourceOptions, wanted: Wanted) {
  return (await collected(reading, options, wanted, 'logs', { functions: CAUSING_FUNCTIONS })).finishSessions();
}

async function collected(
  reading: LogReading,
  options: SourceOptions,
  wanted: Wanted,
  needed: Needed,
  filter: TrailFilter = {},
): Promise<TimelineBuilder> {
  const logs = await logsOf(options, needed);
  const builder = new TimelineBuilder();
  for (const trail of await trailsOf(options, needed)) {
    for await (const call of reading.trail(trail, filter)) builder.add(call);
  }
  for await (const events of reading.events(logs, { wanted })) for (const event of events) builder.add(event);
  return builder;
}

async function trailsOf({ trail, file, stdin }: SourceOptions, needed: Needed): Promise<readonly string[]> {
  if (trail !== undefined) return trail;
  if (file !== undefined || stdin === true) return [];
  const folder = process.env.VIRTSHIM_TRAIL ?? defaultTrail();
  const missing = needed === 'nothing' ? 'calls that only a trail holds are missing' : undefined;
  return orNothing(missing, async () => {
    await trailFiles(folder);
    return [folder];
  });
}

function logsOf({ file, stdin }: SourceOptions, needed: Needed): Promise<readonly AuditInput[]> {
  const inputs = () => inputsOf({ ...(file && { file }), ...(stdin && { stdin }), format: 'table' });
  if (file !== undefined || stdin === true || needed === 'logs') return inputs();
  return orNothing("libvirt's own records of starts and stops are missing", inputs);
}

/** @param missing what to tell where there is nothing to be found; undefined: that does not matter */
async function orNothing<Found>(
  missing: string | undefined,
  find: () => Promise<readonly Found[]>,
): Promise<readonly Found[]> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof VirtshimError)) throw error;
    if (missing !== undefined) process.stderr.write(`virtshim: warning: ${printable(error.message)}: ${missing}\n`);
    return [];
  }
}
