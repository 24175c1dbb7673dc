/** Which calls two policies judge differently. */
import { type Analysis, analyse } from './diff/analysis.js';
import { type Part, partsOf } from './diff/parts.js';
import { readSide, type Side } from './diff/side.js';
import { diffTraffic, type TrafficDiff } from './diff/traffic.js';
import { type NameService, systemNames } from './name_service.js';

export type { Analysis, Counterexample } from './diff/analysis.js';
export type { Part } from './diff/parts.js';
export type { Judged, Verdict } from './diff/side.js';
export type { ActorChanges, RecordedChange, TrafficDiff } from './diff/traffic.js';

export interface DiffOptions {
  /** The folder of a trail whose calls are judged by both. */
  readonly trail?: string;
  /** Who is who; this machine's name service unless told. */
  readonly names?: NameService;
}

export interface ComparedPolicy {
  readonly file: string;
  readonly name: string;
  readonly mode: string;
  readonly digest: string;
}

export interface PolicyDiff {
  readonly before: ComparedPolicy;
  readonly after: ComparedPolicy;
  /** Some call was found whose verdict changes. */
  readonly differs: boolean;
  /** Why no call can be judged differently; undefined where that is not certain. */
  readonly same: 'image' | 'rules' | undefined;
  readonly traffic: TrafficDiff | undefined;
  /** Undefined where nothing had to be looked for, or both are images. */
  readonly analysis: Analysis | undefined;
  /** What differs beside the verdicts. */
  readonly settings: readonly string[];
}

/**
 * Compares two policies, each a file of JSON or an image (`*.img`).
 * @throws VirtshimError VIRTSHIM_FILE, VIRTSHIM_POLICY_MEANING or VIRTSHIM_POLICY_IMAGE where one cannot be used,
 * VIRTSHIM_TRAIL_MISSING where there is no such trail
 */
export async function diffPolicies(oldFile: string, newFile: string, options: DiffOptions = {}): Promise<PolicyDiff> {
  const names = options.names ?? systemNames();
  const [before, after] = [readSide(oldFile, options.names), readSide(newFile, options.names)];
  const parts = partsOf(before, after);
  const same = sameness(before, after, parts);
  const recorded = options.trail === undefined ? undefined : await diffTraffic(options.trail, before, after, names);
  const traffic = recorded?.traffic;
  const analysis =
    same !== undefined || parts.length === 0 ? undefined : analyse(before, after, parts, recorded?.samples ?? []);
  return {
    before: compared(before),
    after: compared(after),
    differs: (traffic?.changed ?? 0) > 0 || (analysis?.counterexamples.length ?? 0) > 0,
    ...{ same, traffic, analysis },
    settings: settingsOf(before, after),
  };
}

function sameness(before: Side, after: Side, parts: readonly Part[]): PolicyDiff['same'] {
  if (before.digest === after.digest) return 'image';
  return before.source !== undefined && after.source !== undefined && parts.length === 0 ? 'rules' : undefined;
}

function compared({ file, name, mode, digest }: Side): ComparedPolicy {
  return { file, name, mode, digest };
}

function settingsOf(before: Side, after: Side): string[] {
  const [old, now] = [before.source?.policy, after.source?.policy];
  if (old === undefined || now === undefined) return [];
  const plain = ['name', 'unknownApi', 'onAuditFailure', 'trail', 'auditNetlink', 'auditFileAlways'] as const;
  const differing: string[] = plain.filter((key) => old[key] !== now[key]);
  return old.auditLevels.join() === now.auditLevels.join() ? differing : [...differing, 'auditLevels'];
}
