// Runs test/fixtures/ffi/sweep.mjs over functions of virtshim/ffi, again behind each that ends the process.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, temporaryFolder } from './paths.js';
import { shimEnvironment } from './shim.js';

export interface SweptFunction {
  readonly name: string;
  /** TypeScript types of the parameters; `flags` for those. */
  readonly types: readonly string[];
}

/** Arguments that a program might pass, or NULL, 0 and nothing wherever the types permit. */
export type Values = 'plausible' | 'empty';

/** What each function answered, as the script words it; a process that ended is an answer, too. */
export function sweep(functions: readonly SweptFunction[], values: Values): ReadonlyMap<string, readonly string[]> {
  const file = join(temporaryFolder('sweep'), 'functions.json');
  writeFileSync(file, JSON.stringify(functions.map(({ name, types }) => [name, types])));
  const answers = new Map<string, string[]>();
  const add = (name: string, answer: string): void => {
    answers.set(name, [...(answers.get(name) ?? []), answer]);
  };
  for (let first = 0; first < functions.length; ) first = run([file, String(first), values], add);
  return answers;
}

/** Returns the number of the function to go on with. */
function run(given: readonly [string, string, Values], add: (name: string, answer: string) => void): number {
  const fixtures = join(ROOT, 'test/fixtures/ffi');
  const args = [join(fixtures, 'sweep.mjs'), `test://${join(fixtures, 'node.xml')}`, ...given];
  const env = shimEnvironment({ preload: false }, temporaryFolder('trail'));
  // Some functions write a file of the name that they are given.
  const options = { env, cwd: temporaryFolder('sweep'), encoding: 'utf8', timeout: 60_000 } as const;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, args, options);
  let current = { index: Number(given[1]), name: '' };
  for (const line of stdout.split('\n')) {
    const [, index, begun] = /^> (\d+) (\w+)$/.exec(line) ?? [];
    const [, name, answer] = /^(vir\w+) (.*)$/.exec(line) ?? [];
    if (index !== undefined && begun !== undefined) current = { index: Number(index), name: begun };
    else if (name !== undefined && answer !== undefined) add(name, answer);
    else if (line === 'end') return Number.POSITIVE_INFINITY;
  }
  if (current.name === '') throw new Error(`the sweep did not start: ${stderr}`);
  add(current.name, `ended the process: ${signal ?? status} ${stderr}`);
  return current.index + 1;
}
