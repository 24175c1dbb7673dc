/** Starts this very program once more in the same process, with the shim preloaded. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { close, url } from 'node:inspector';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { isatty } from 'node:tty';
import { shimVariables } from '../cli/environment.js';
import { systemReason, VirtshimError } from '../errors.js';
import { exec, shimPath } from '../native.js';
import { packageFile } from '../package_root.js';

/** Holds the id of the process that started itself anew. */
export const MARK = 'VIRTSHIM_REGISTERED';

/** What Node takes out of its environment at its start. */
const TAKEN_BY_NODE = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID'];

export function unguarded(what: string, hint: string, cause?: unknown): VirtshimError {
  return new VirtshimError('VIRTSHIM_UNGUARDED', what, { hint, cause });
}

/** Does not return. Throws VIRTSHIM_UNGUARDED where it would do harm, and what is wrong with the policy. */
export function startAnew(): never {
  if (process.env[MARK] === String(process.pid)) {
    throw unguarded('the loader did not preload the shim', 'a program with rights of its own cannot be wrapped');
  }
  assertNothingRead();
  const env = { ...process.env, ...variables(), ...takenByNode(), [MARK]: String(process.pid) };
  // Its socket would stay open, and in the way.
  if (url() !== undefined) close();
  try {
    return exec(process.execPath, commandLine(), env);
  } catch (error) {
    throw unguarded(`cannot start \`${process.execPath}\` anew: ${systemReason(error)}`, 'use virtshim run', error);
  }
}

/** What Node has read from its parent or as its program would be lost. It reads when the event loop first turns. */
function assertNothingRead(): void {
  if (performance.nodeTiming.loopStart < 0) return;
  if (process.channel !== undefined) {
    const hint = 'leave LD_PRELOAD in the environment that fork gives it, or load it by -r virtshim/register';
    throw unguarded('this process may have received messages of its parent', hint);
  }
  if (isProgramOnStdin()) {
    throw unguarded('the program has been read from standard input', 'load it by -r virtshim/register');
  }
}

function isProgramOnStdin(): boolean {
  if (isatty(0)) return false;
  if (process.argv.length > 1) return process.argv[1] === '-';
  return !process.execArgv.some((flag) => /^(-[ep]|-pe|-i|--(eval|print|interactive|test)(=.*)?)$/s.test(flag));
}

function commandLine(): string[] {
  const words = process.argv.slice(1);
  // Node leaves `--` out of its lists.
  const separator = words[0]?.startsWith('-') === true && words[0] !== '-' ? ['--'] : [];
  return [process.argv0, ...process.execArgv, ...separator, ...words];
}

function variables(): Record<string, string> {
  const { VIRTSHIM_POLICY: policy, VIRTSHIM_TRAIL: trail, LD_PRELOAD: preloaded } = process.env;
  return shimVariables(
    {
      shim: shimPath(),
      ...(policy === undefined || policy === '' ? {} : { policy: imageOf(policy) }),
      ...(trail === undefined || trail === '' ? {} : { trail: resolve(trail) }),
    },
    preloaded,
  );
}

/** In a process of its own: the compiler would cost every process some 60 ms that only few need. */
function imageOf(policy: string): string {
  if (policy.endsWith('.img')) return resolve(policy);
  const command = [packageFile('dist/cli/main.js'), 'env', '--json', '--policy', policy];
  const { NODE_OPTIONS: _, ...env } = process.env;
  try {
    const stdout = execFileSync(process.execPath, command, { encoding: 'utf8', env, stdio: 'pipe' });
    return String(JSON.parse(stdout).VIRTSHIM_POLICY);
  } catch (error) {
    throw notCompiled(policy, error);
  }
}

function notCompiled(policy: string, error: unknown): VirtshimError {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  if (said === '') {
    const hint = 'name an image instead: virtshim policy compile makes one';
    return unguarded(`cannot compile \`${policy}\`: ${systemReason(error)}`, hint, error);
  }
  const [what = '', hint = ''] = said.replace(/^.*?virtshim: error: /s, '').split('\nhint: ');
  return unguarded(what, hint);
}

/** The variables as this process was started with them. */
function takenByNode(): Record<string, string> {
  if (process.channel === undefined) return {};
  const started = readFileSync('/proc/self/environ', 'utf8')
    .split('\0')
    .map((entry): [string, string] => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]);
  return Object.fromEntries(started.filter(([name]) => TAKEN_BY_NODE.includes(name)));
}
