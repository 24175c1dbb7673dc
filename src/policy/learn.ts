/** A policy that allows what a trail shows, and as little else as is asked for. */
import { VirtshimError } from '../errors.js';
import { resolveAccountsSync } from './accounts.js';
import { writeImage } from './compile.js';
import { formatDiagnostic } from './diagnostic.js';
import { evaluateAll } from './evaluate.js';
import { groupBy } from './group_by.js';
import { type Levels, rulesFor } from './learn/rules.js';
import { type Score, scoreOf } from './learn/score.js';
import { identityOf, type LeftOut, look, type Seen } from './learn/seen.js';
import { loadPolicy, type Policy } from './load.js';
import { lookUpIn, type NameService, systemNames } from './name_service.js';
import { type PolicyDraft, policyText } from './policy_text.js';
import { recordedTraffic, remembering } from './recorded_traffic.js';

export type { ArgumentsLevel } from './learn/arguments.js';
export type { NamesLevel } from './learn/names.js';
export type { ConnectionsLevel, Levels, SubjectsLevel } from './learn/rules.js';
export type { Combinations, RefusedCall, Score } from './learn/score.js';
export type { LeftOut } from './learn/seen.js';

export interface LearnOptions {
  /** How far to go beyond what was seen; nowhere unless told. */
  readonly levels?: Partial<Levels>;
  /** The policy's name; `learnt` unless told. */
  readonly name?: string;
  /** The share of the calls, from 0 to 1, that are not learnt from but scored on: the last ones. */
  readonly holdOut?: number;
  /** The folder of another trail to score on, beside what is held out. */
  readonly scoreOn?: string;
  /** Who is who; this machine's name service unless told. */
  readonly names?: NameService;
}

export interface LearntPolicy {
  /** The policy as it belongs in a file. */
  readonly text: string;
  readonly rules: number;
  /** How many calls it was learnt from. */
  readonly calls: number;
  readonly leftOut: Readonly<Partial<Record<LeftOut, number>>>;
  /** Ids of the first records of calls that were learnt from and are refused all the same: no rule can tell what they are. */
  readonly refused: readonly string[];
  readonly score: Score | undefined;
}

/** What is asked where nothing is told: exactly what was seen. */
const least: Levels = { subjects: 'user', connections: 'uri', names: 'exact', arguments: 'exact' };

/**
 * Learns the least policy that allows what a trail shows. The same trail gives the same text.
 * @param trail its folder
 * @throws VirtshimError VIRTSHIM_TRAIL_MISSING where there is none, VIRTSHIM_USAGE where it holds nothing to learn from
 */
export async function learnPolicy(trail: string, options: LearnOptions = {}): Promise<LearntPolicy> {
  const names = remembering(options.names ?? systemNames());
  const seen = await readCalls(trail, names);
  const cut = Math.ceil(seen.calls.length * (1 - (options.holdOut ?? 0)));
  const learnt = countAlike(seen.calls.slice(0, cut));
  if (learnt.length === 0) {
    throw new VirtshimError('VIRTSHIM_USAGE', `the trail \`${trail}\` holds no calls to learn from`, {
      hint: 'record some first: virtshim run --policy permissive-learn.json -- PROGRAM',
    });
  }
  const levels = { ...least, ...options.levels };
  const text = policyText(draftOf(learnt, levels, options.name ?? 'learnt', names));
  const { policy, image } = compiled(text, names);
  const more = options.scoreOn === undefined ? [] : (await readCalls(options.scoreOn, names)).calls;
  const heldOut = countAlike([...seen.calls.slice(cut), ...more]);
  return {
    text,
    rules: policy.rules.length,
    calls: cut,
    leftOut: seen.leftOut,
    refused: refusedBy(image, learnt),
    score: heldOut.length === 0 ? undefined : scoreOf(image, learnt, heldOut),
  };
}

interface Calls {
  /** In the order of the trail; the same object for calls that are alike. */
  readonly calls: readonly Seen[];
  readonly leftOut: Readonly<Partial<Record<LeftOut, number>>>;
}

async function readCalls(trail: string, names: NameService): Promise<Calls> {
  const calls: Seen[] = [];
  const known = new Map<string, Seen>();
  const leftOut: Partial<Record<LeftOut, number>> = {};
  for await (const call of recordedTraffic(trail, names)) {
    const seen = look(call);
    if (typeof seen === 'string') {
      leftOut[seen] = (leftOut[seen] ?? 0) + 1;
      continue;
    }
    const identity = identityOf(seen);
    const same = known.get(identity) ?? seen;
    known.set(identity, same);
    calls.push(same);
  }
  return { calls, leftOut };
}

function countAlike(calls: readonly Seen[]): Seen[] {
  return [...groupBy(calls, (call) => call)].map(([call, { length }]) => ({ ...call, count: length }));
}

function draftOf(seen: readonly Seen[], levels: Levels, name: string, names: NameService): PolicyDraft {
  const calls = seen.reduce((sum, { count }) => sum + count, 0);
  const asked = Object.entries(levels).map(([what, level]) => `${what} ${level}`);
  return {
    name,
    description: `Allows ${calls} recorded call${calls === 1 ? '' : 's'} and what is like them`,
    comment: `Learnt from a trail: ${asked.join(', ')}. Read it before you enforce it`,
    mode: 'enforcing',
    defaults: { '*': 'deny' },
    rules: rulesFor(seen, levels, (uid) => names.user(uid)?.name),
  };
}

function compiled(text: string, names: NameService): { policy: Policy; image: Uint8Array } {
  const { policy, diagnostics } = loadPolicy(text, 'learnt.json');
  const accounts = policy && resolveAccountsSync(policy, lookUpIn(names));
  const wrong = [...diagnostics, ...(accounts?.diagnostics ?? [])].find(({ severity }) => severity === 'error');
  if (policy !== undefined && accounts !== undefined && wrong === undefined) {
    return { policy, image: writeImage(policy, accounts) };
  }
  const what = wrong === undefined ? '' : formatDiagnostic(wrong);
  throw new VirtshimError('VIRTSHIM_INTERNAL', `the learnt policy cannot be used: ${what}`);
}

function refusedBy(image: Uint8Array, seen: readonly Seen[]): string[] {
  const decisions = evaluateAll(
    image,
    seen.map(({ request }) => request),
  );
  return seen.filter((_, index) => decisions[index]?.effect === 'deny').map(({ record }) => record);
}
