/** Matchers for jest: what a policy says about a call. */
import { VirtshimError } from '../errors.js';
import { type CallDocument, requestOf } from './call.js';
import { type Expectation, isAsExpected } from './cases.js';
import type { Effect } from './document.js';
import { explainRequest } from './explain.js';
import { type AccountsDocument, type NameService, namesWith, systemNames } from './name_service.js';
import { failureLines } from './test_text.js';
import { type UsablePolicy, usablePolicy } from './usable_policy.js';

/** A policy as suites judge by it. */
export interface TestedPolicy extends UsablePolicy {
  readonly names: NameService;
}

/** What else is expected beside the effect; what is left out does not matter. */
export type ExpectedBeside = Omit<Expectation, 'effect'>;

export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
}

/**
 * Loads a policy for `expect`. `accounts` stand for the machine's own, so that a suite passes everywhere.
 * @throws VirtshimError where the policy cannot be used
 */
export function testedPolicy(file: string, accounts: AccountsDocument = {}): TestedPolicy {
  const names = namesWith(accounts, systemNames());
  return { ...usablePolicy(file, names), names };
}

/** For expect.extend. A call that makes no sense fails the test, under `not` too. */
export const policyMatchers = {
  toAllow: (received: unknown, call: CallDocument | string, beside: ExpectedBeside = {}): MatcherResult =>
    judge(received, call, 'allow', beside),
  toDeny: (received: unknown, call: CallDocument | string, beside: ExpectedBeside = {}): MatcherResult =>
    judge(received, call, 'deny', beside),
};

function judge(received: unknown, call: CallDocument | string, effect: Effect, beside: ExpectedBeside): MatcherResult {
  const policy = policyOf(received);
  const request = sensible(() => requestOf(typeof call === 'string' ? { function: call } : call, policy.names));
  const explanation = explainRequest(policy, request);
  const expected = { effect, ...beside };
  const pass = isAsExpected(explanation.decision, expected);
  const judged = { expected, decision: explanation.decision, explanation };
  return { pass, message: () => failureLines(judged, pass).join('\n') };
}

// jest prints messages, not hints.
function sensible<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof VirtshimError) || error.hint === undefined) throw error;
    throw new VirtshimError(error.code, `${error.message} (${error.hint})`, { cause: error });
  }
}

function policyOf(received: unknown): TestedPolicy {
  if (typeof received === 'string') return testedPolicy(received);
  if (isTestedPolicy(received)) return received;
  throw new TypeError('expected the path of a policy, or what testedPolicy() gives');
}

function isTestedPolicy(received: unknown): received is TestedPolicy {
  return typeof received === 'object' && received !== null && 'image' in received && 'names' in received;
}
