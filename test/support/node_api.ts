// Runs scripts that use the built package as a program would: a process of their own, ES modules, the shim loaded by
// the package itself.
import { join } from 'node:path';
import { ROOT, temporaryFolder } from './paths.js';
import { runShimmed, type ShimmedOutcome, type ShimOptions } from './shim.js';

export interface ScriptOptions extends ShimOptions {
  /** Options of node itself. */
  node?: readonly string[];
  /** Path of the node to run. Default: the one that runs the tests. */
  program?: string;
}

const prelude = `
import assert from 'node:assert/strict';
import * as virtshim from '${join(ROOT, 'dist/index.js')}';
const { Connection, LibvirtError, PolicyDeniedError, VirtshimError, constants } = virtshim;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (holds) => { while (!holds()) await sleep(2); };
const report = (value) => console.log(JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? \`\${each}n\` : each)));
`;

export interface ScriptOutcome extends ShimmedOutcome {
  /** What the script gave to `report`, call by call. */
  readonly reports: readonly unknown[];
}

/** Runs an ES module with the package's names, `assert`, `report`, `sleep` and `until` in scope. Throws where it does not exit with 0. */
export function runScript(text: string, options: ScriptOptions = {}): ScriptOutcome {
  const outcome = tryScript(text, options);
  if (outcome.status !== 0) throw new Error(`exit ${outcome.status ?? outcome.signal}: ${outcome.stderr}`);
  return outcome;
}

/** The same, however it ends. */
export function tryScript(text: string, { node = [], program, ...options }: ScriptOptions = {}): ScriptOutcome {
  const home = temporaryFolder('home');
  const outcome = runShimmed(program ?? process.execPath, [...node, '--input-type=module', '-e', prelude + text], {
    preload: false,
    ...options,
    env: { HOME: home, XDG_CACHE_HOME: home, ...options.env },
  });
  const lines = outcome.stdout.split('\n').filter((line) => line !== '');
  return { ...outcome, reports: lines.map((line): unknown => JSON.parse(line)) };
}
