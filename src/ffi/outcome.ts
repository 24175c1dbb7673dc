/** Whether a call failed, and what it is worth. */
import type { NativeError } from '../native.js';
import { LibvirtError } from './errors.js';
import { type Failure, failureTest, type Returns } from './returns.js';
import type { RawResult } from './values.js';

export interface Outcome {
  readonly fails: (result: RawResult) => boolean;
  /** For a result that `fails`: throws, unless the value may be an answer and libvirt has set no error. */
  readonly judge: (error: NativeError | null) => void;
}

export function outcomeOf(name: string, returns: Returns, failure: Failure = returns.failure): Outcome {
  const judge = (error: NativeError | null): void => {
    if (error !== null || !returns.ambiguous) throw LibvirtError.from(name, error);
  };
  return { fails: failureTest(failure), judge };
}
