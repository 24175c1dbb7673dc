// Runs the built command as its users do: as a process.
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { CLI } from './paths.js';
import { bareEnvironment } from './shim.js';

export interface CliOutcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly cwd?: string;
  readonly uid?: number;
  readonly stdio?: SpawnSyncOptions['stdio'];
  /** Milliseconds. */
  readonly timeout?: number;
}

/** `virtshim ARGS`, in an environment without any shim. */
export function virtshim(args: readonly string[], options: CliOptions = {}): CliOutcome {
  return command(process.execPath, [CLI, ...args], options);
}

/** Any program in the same environment. */
export function command(program: string, args: readonly string[], options: CliOptions = {}): CliOutcome {
  const { env, ...rest } = options;
  const settings = { ...rest, ...(rest.uid === undefined ? {} : { gid: rest.uid }) };
  const run = spawnSync(program, args, { encoding: 'utf8', timeout: 100_000, ...settings, env: bareEnvironment(env) });
  if (run.error !== undefined) throw run.error;
  const { status, signal, pid, stdout, stderr } = run;
  return { status, signal, pid, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') };
}

/** The command as a word of a shell's line. */
export const VIRTSHIM = `'${process.execPath}' '${CLI}'`;
