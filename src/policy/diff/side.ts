/** A policy that is compared with another one: its source, or an image alone. */
import { readFileSync } from 'node:fs';
import { systemReason, VirtshimError } from '../../errors.js';
import { native } from '../../native.js';
import type { Mode } from '../document.js';
import { type Decision, evaluateAll, type Request } from '../evaluate.js';
import { verdictOf } from '../explain.js';
import type { NameService } from '../name_service.js';
import { type UsablePolicy, usablePolicy } from '../usable_policy.js';

export type Verdict = 'permitted' | 'would-deny' | 'denied';

/** What a policy says about one call. */
export interface Judged {
  readonly verdict: Verdict;
  /** The rule that decided, or would have; null where a default did. */
  readonly rule: string | null;
  /** The first permission that nothing allows. */
  readonly permission: string | null;
}

export interface Side {
  readonly file: string;
  readonly name: string;
  readonly mode: Mode;
  /** The first 16 hex digits, as records have them. */
  readonly digest: string;
  readonly image: Uint8Array;
  /** Undefined for an image: what its rules ask is not known. */
  readonly source: UsablePolicy | undefined;
}

/** Reads a policy, or an image (`*.img`). Throws VIRTSHIM_FILE, VIRTSHIM_POLICY_MEANING or VIRTSHIM_POLICY_IMAGE. */
export function readSide(file: string, names?: NameService): Side {
  const source = file.endsWith('.img') ? undefined : usablePolicy(file, names);
  const image = source?.image ?? readImage(file);
  const loaded = native().loadPolicy(image);
  if (!loaded.ok) throw new VirtshimError('VIRTSHIM_POLICY_IMAGE', `\`${file}\` cannot be used: ${loaded.error}`);
  const { name, mode, digest } = loaded;
  return { file, name, mode, digest: digest.slice(0, 16), image, source };
}

function readImage(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${file}\`: ${systemReason(error)}`, { cause: error });
  }
}

export function judge({ image, mode }: Pick<Side, 'image' | 'mode'>, requests: readonly Request[]): Judged[] {
  return evaluateAll(image, requests).map((decision) => judged(mode, decision));
}

function judged(mode: Mode, decision: Decision): Judged {
  const verdict = verdictOf(mode, decision);
  const rule = verdict === 'would-deny' && decision.effect === 'allow' ? decision.wouldDeny : decision.rule;
  return { verdict, rule, permission: decision.permission };
}
