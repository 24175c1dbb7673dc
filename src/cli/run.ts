import { Command } from 'commander';
import { systemReason, VirtshimError } from '../errors.js';
import { shimVariables } from './environment.js';
import { findProgram } from './find-program.js';
import type { Outcome } from './outcome.js';
import { addShimOptions, resolveSettings, type ShimOptions } from './settings.js';
import { assertWrappable } from './wrappable.js';

export function runCommand(finish: (outcome: Outcome) => void): Command {
  const command = new Command('run')
    .summary('run a program with its libvirt calls judged and recorded')
    .description(
      'Runs a program under the shim. virtshim replaces itself by the program, so that pid, terminal, signals and exit ' +
        "code are the program's own. Without --policy everything is permitted and recorded by the default levels.",
    )
    .argument('<command...>', 'the program and its arguments')
    .passThroughOptions();
  return addShimOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  virtshim run -- virsh list --all
  virtshim run --policy operator.json -- virsh -c qemu:///system destroy demo
  virtshim run --policy operator.json --trail ./trail -- python3 manage-guests.py
  virtshim run --mode permissive --policy operator.json -- virt-install ...

Exit codes: those of the program; 125 where virtshim itself fails, 126 where the program cannot be executed,
127 where it is not found.`,
    )
    .action(async (words: string[], options: ShimOptions) => {
      await run(words, options);
      finish('ok');
    });
}

/** Does not return where it succeeds: the process is the program then. */
async function run(words: readonly string[], options: ShimOptions): Promise<void> {
  const [name = '', ...args] = words;
  const file = findProgram(name, process.env.PATH);
  assertWrappable(file);
  const settings = await resolveSettings(options);
  const { exec } = await import('../native.js');
  const env = { ...process.env, ...shimVariables(settings, process.env.LD_PRELOAD) };
  try {
    exec(file, [name, ...args], env);
  } catch (error) {
    if (codeOf(error) === 'ENOEXEC') return runAsShellScript(file, args, env, exec);
    throw execFailure(file, error);
  }
}

/** A file without `#!` is a shell script to execvp(3). */
function runAsShellScript(file: string, args: string[], env: NodeJS.ProcessEnv, exec: Exec): void {
  try {
    exec('/bin/sh', ['/bin/sh', file, ...args], env);
  } catch (error) {
    throw execFailure(file, error);
  }
}

type Exec = (file: string, argv: string[], env: NodeJS.ProcessEnv) => void;

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function execFailure(file: string, error: unknown): VirtshimError {
  const missing = codeOf(error) === 'ENOENT';
  return new VirtshimError(
    missing ? 'VIRTSHIM_EXEC_NOT_FOUND' : 'VIRTSHIM_EXEC_FAILED',
    `cannot execute \`${file}\`: ${systemReason(error)}`,
    { cause: error },
  );
}
