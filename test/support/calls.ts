// Drives test/fixtures/preload/calls.c: a few libvirt calls in one process, each with all that it left behind.
import { compileFixture } from './fixtures.js';
import { runBare, runShimmed, type ShimmedOutcome, type ShimOptions } from './shim.js';

export interface CallOutcome {
  step: string;
  /** As text: a number, "object", "null", "void", or the string that libvirt returned. */
  value: string;
  /** 4242 where the call left it alone. */
  errno: number;
  /** How often the program's error function was called. */
  callbacks: number;
  code: number;
  domain: number;
  level: number;
  message: string;
}

export interface CallsRun extends ShimmedOutcome {
  calls: CallOutcome[];
}

const TEST_DRIVER = 'test:///default';

export function callsProgram(): string {
  return compileFixture('calls.c', { flags: ['-lvirt'] });
}

/** The steps that begin most programs: a connection to the test driver, and its domain `test`. */
export const opened = [`open:${TEST_DRIVER}`];
export const withDomain = [...opened, 'lookup:test'];

/** Makes the calls under the shim. Throws where the program did not end as it should, or printed anything else. */
export function shimmedCalls(steps: readonly string[], options: ShimOptions = {}): CallsRun {
  const run = runShimmed(callsProgram(), steps, options);
  return { ...run, calls: parseCalls(run) };
}

/** Makes the calls without the shim. */
export function bareCalls(steps: readonly string[], options: ShimOptions = {}): CallOutcome[] {
  return parseCalls(runBare(callsProgram(), steps, options));
}

/** The outcome of the only call of that step. */
export function callOf(run: { calls: readonly CallOutcome[] }, step: string): CallOutcome {
  const [found, ...more] = run.calls.filter((call) => call.step === step);
  if (found === undefined || more.length > 0)
    throw new Error(`not one call \`${step}\` in ${JSON.stringify(run.calls)}`);
  return found;
}

function parseCalls(run: Pick<ShimmedOutcome, 'status' | 'signal' | 'stdout' | 'stderr'>): CallOutcome[] {
  if (run.status !== 0 || run.stderr !== '') throw new Error(`ended with ${run.status ?? run.signal}: ${run.stderr}`);
  return run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [step = '', value = '', errno, callbacks, code, domain, level, message = ''] = line.split('\t');
      const numbers = { errno: Number(errno), callbacks: Number(callbacks), code: Number(code) };
      return { step, value, ...numbers, domain: Number(domain), level: Number(level), message };
    });
}
