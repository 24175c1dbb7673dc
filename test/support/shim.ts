// Runs real programs with and without the shim, and reads back what it recorded.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePolicy } from '../../src/policy/compile.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { loadPolicy } from '../../src/policy/load.js';
import { BUILD, temporaryFolder } from './paths.js';
import { parseRecord, type TrailRecord } from './records.js';

/** The shim under test: the one that this checkout built, or another build of it (instrumented by a sanitizer). */
export const TESTED_SHIM = process.env.VIRTSHIM_TEST_SHIM ?? join(BUILD, 'libvirtshim.so');

/** What has to be preloaded before an instrumented shim, or nothing. */
const runtime = process.env.VIRTSHIM_TEST_RUNTIME ?? '';

/** What LD_PRELOAD has to be for the shim to be in a program, other libraries behind it. */
export const PRELOAD = [runtime, TESTED_SHIM].filter((path) => path !== '').join(':');

/** Everything is permitted but what the rules say, and nothing goes to the kernel's audit. */
export function permissiveExcept(rules: readonly RuleDocument[], more: Partial<PolicyDocument> = {}): PolicyDocument {
  return { name: 'test', defaults: { '*': 'allow' }, audit: { netlink: false }, rules, ...more };
}

/** A deny rule over `actions`, on the resources of these names where any are given. */
export function deny(id: string, actions: readonly string[], names?: readonly string[]): RuleDocument {
  return { id, effect: 'deny', actions, ...(names === undefined ? {} : { resources: { names } }) };
}

/** The image of a policy; throws with its diagnostics where it has errors. */
export async function compileImage(document: PolicyDocument): Promise<Uint8Array> {
  const { policy, diagnostics } = loadPolicy(JSON.stringify(document), 'test.json');
  if (policy === undefined) throw new Error(JSON.stringify(diagnostics));
  const compiled = await compilePolicy(policy);
  if (compiled.image === undefined) throw new Error(JSON.stringify(compiled.diagnostics));
  return compiled.image;
}

/** Writes the image of a policy to a file that the shim trusts and returns its path. */
export async function imageFile(document: PolicyDocument): Promise<string> {
  const path = join(temporaryFolder('policy'), 'policy.img');
  writeFileSync(path, await compileImage(document), { mode: 0o600 });
  return path;
}

export interface ShimOptions {
  /** Path of an image. */
  policy?: string | undefined;
  mode?: 'enforcing' | 'permissive' | 'disabled' | undefined;
  /** Default: a new folder. */
  trail?: string | undefined;
  /** False: the shim is not in LD_PRELOAD (the program loads it itself), but its environment is set. */
  preload?: boolean | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  cwd?: string | undefined;
  input?: string | undefined;
  timeout?: number | undefined;
  argv0?: string | undefined;
}

export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ShimmedOutcome extends Outcome {
  trail: string;
  records: TrailRecord[];
}

/** The environment of a program without any shim: also where these tests themselves run under one. */
export function bareEnvironment(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(LD_|VIRTSHIM_|LIBVIRT_)/.test(name));
  return { ...Object.fromEntries(inherited), LC_ALL: 'C', ...env };
}

/** The environment that puts the shim into a program. */
export function shimEnvironment(options: ShimOptions, trail: string): NodeJS.ProcessEnv {
  return bareEnvironment({
    ...(options.preload === false ? {} : { LD_PRELOAD: PRELOAD }),
    ...(options.policy === undefined ? {} : { VIRTSHIM_POLICY: options.policy }),
    ...(options.mode === undefined ? {} : { VIRTSHIM_MODE: options.mode }),
    VIRTSHIM_TRAIL: trail,
    ...options.env,
  });
}

/** Runs a program without the shim. */
export function runBare(program: string, args: readonly string[], options: ShimOptions = {}): Outcome {
  return outcomeOf(spawn(program, args, options, bareEnvironment(options.env)));
}

/** Runs a program with the shim preloaded and reads the trail it left. */
export function runShimmed(program: string, args: readonly string[], options: ShimOptions = {}): ShimmedOutcome {
  const trail = options.trail ?? join(temporaryFolder('trail'), 'trail');
  const run = spawn(program, args, options, shimEnvironment(options, trail));
  return { ...outcomeOf(run), trail, records: readRecords(trail) };
}

/** The records of a trail, oldest first; none where there is no trail. */
export function readRecords(trail: string): TrailRecord[] {
  const file = join(trail, 'trail.xml');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(parseRecord);
}

function spawn(
  program: string,
  args: readonly string[],
  options: ShimOptions,
  env: NodeJS.ProcessEnv,
): SpawnSyncReturns<string> {
  const run = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    timeout: options.timeout ?? 60_000,
    killSignal: 'SIGKILL',
    maxBuffer: 256 * 1024 * 1024,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
  });
  if (run.error !== undefined) throw run.error;
  return run;
}

function outcomeOf(run: SpawnSyncReturns<string>): Outcome {
  return { status: run.status, signal: run.signal, stdout: run.stdout, stderr: run.stderr };
}

/** Makes a folder with this mode, whatever the umask is. */
export function folderWithMode(parent: string, name: string, mode: number): string {
  const path = join(parent, name);
  mkdirSync(path, { mode });
  spawnSync('chmod', [mode.toString(8), path]);
  return path;
}
