/**
 * `import 'virtshim/jest'`: matchers for policies in suites of jest, which has to run them as ES modules
 * (`NODE_OPTIONS=--experimental-vm-modules`).
 */
import { expect } from '@jest/globals';
import type { CallDocument } from './policy/call.js';
import { type ExpectedBeside, policyMatchers } from './policy/test_matchers.js';

export type { CallDocument, ValueDocument } from './policy/call.js';
export type { AccountsDocument } from './policy/name_service.js';
export { type ExpectedBeside, policyMatchers, type TestedPolicy, testedPolicy } from './policy/test_matchers.js';

expect.extend(policyMatchers);

/** What is expected to be a policy is the path of its file, or what testedPolicy() gives. */
export interface PolicyMatchers<R> {
  /** The policy allows the call: a function alone, or with what is known of it, as cases have it. */
  toAllow(call: CallDocument | string, beside?: ExpectedBeside): R;
  /** The policy denies the call. In a policy that is permissive it is only recorded so. */
  toDeny(call: CallDocument | string, beside?: ExpectedBeside): R;
}

// The parameters have to be those of the declarations that these add to.
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T> extends PolicyMatchers<R> {}
}

declare global {
  namespace jest {
    interface Matchers<R, T> extends PolicyMatchers<R> {}
  }
}
