/** How a call ended, and whom it was about: what records say in more than one place. */
import type { TrailRecord } from './record.js';

/** How a call ended: `failed` was permitted, but libvirt did not do it. */
export const VERDICTS = ['permitted', 'failed', 'denied', 'would-deny'] as const;
export type Verdict = (typeof VERDICTS)[number];

export function verdictOf(record: TrailRecord): Verdict {
  const effect = record.decision?.effect ?? 'permitted';
  return effect === 'permitted' && record.success === false ? 'failed' : effect;
}

/** The guest's name; a snapshot's and a checkpoint's record has its guest as parent. */
export function guestOf({ resource }: TrailRecord): string | undefined {
  if (resource?.kind === 'domain') return resource.name;
  return resource?.kind.startsWith('domain-') === true ? resource.parent : undefined;
}

/** The audit user or session of who has none. */
export const UNSET = 4294967295;
