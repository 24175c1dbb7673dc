// `virtshim report --compat auvirt` against what auvirt prints: recorded, and of this machine where it is installed.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CLI, ROOT, temporaryFolder } from '../support/paths.js';
import { randomLog } from '../support/random_log.js';
import { bareEnvironment } from '../support/shim.js';
import { requireTool } from '../support/tools.js';

const CASES = join(ROOT, 'test/fixtures/auvirt');
const env = bareEnvironment({ LC_ALL: 'C', TZ: 'UTC' });

/** What auvirt gets wrong in these, docs/report.md tells; what is right, test/unit/report-sessions.test.ts. */
const WRONG: Readonly<Record<string, RegExp>> = {
  case07: /^(?!range|summary)/,
  case21: /^(?!list)/,
  case25: /^(all|proof|stdin|vm|uuid)/,
  case27: /^(?!list|range)/,
  case37: /./,
  case41: /^proof/,
};

/** Bytes as latin1, since names are what they are. */
function run(command: string, cwd: string): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync('sh', ['-c', command], { cwd, env, encoding: 'latin1', maxBuffer: 1 << 28 });
  return { status, stdout };
}

const ours = (command: string) => command.replace(/^auvirt/, `'${process.execPath}' '${CLI}' report --compat auvirt`);

/** What auvirt prints rightly: the file with its output, and the command. */
function rightOnes(name: string): string[][] {
  const commands = readFileSync(join(CASES, name, 'commands.tsv'), 'utf8')
    .trim()
    .split('\n');
  return commands.map((line) => line.split('\t')).filter(([output = '']) => !WRONG[name]?.test(output));
}

const cases = readdirSync(CASES).filter((name) => name.startsWith('case') && rightOnes(name).length > 0);

test.each(cases)('%s prints the same bytes', (name) => {
  const folder = join(CASES, name);
  for (const [output = '', command = ''] of rightOnes(name)) {
    const { status, stdout } = run(ours(command), folder);
    expect({ command, status, stdout }).toEqual({
      command,
      status: 0,
      stdout: readFileSync(join(folder, output), 'latin1'),
    });
  }
});

describe('the auvirt of this machine', () => {
  const withAuvirt = requireTool('auvirt');
  const options = ['', '--all-events', '--all-events --proof --show-uuid', '--summary', '--all-events --vm guest-2'];
  withAuvirt.each([1, 2, 3, 4, 5, 6])('prints the same of a log made by chance (%i)', (seed) => {
    const folder = temporaryFolder('auvirt');
    writeFileSync(join(folder, 'audit.log'), randomLog(seed, 400));
    for (const option of options) {
      const command = `auvirt --file audit.log ${option}`;
      const { stdout } = run(ours(command), folder);
      expect({ command, stdout }).toEqual({ command, stdout: run(command, folder).stdout });
    }
  });
});
