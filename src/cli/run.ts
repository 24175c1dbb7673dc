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
  virtshim run --reason 'ticket 4711' -- virsh -c qemu:///system shutdown demo
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
  const variables = shimVariables(settings, process.env.LD_PRELOAD);
  const { native } = await import('../native.js');
  execute(native().exec, file, [name, ...args], { ...inherited(), ...variables });
}

function inherited(): Record<string, string> {
  const set = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}

type Exec = (file: string, argv: readonly string[], env: Readonly<Record<string, string>>) => never;

function execute(exec: Exec, file: string, argv: readonly string[], env: Readonly<Record<string, string>>): void {
  try {
    exec(file, argv, env);
  } catch (error) {
    // To execvp(3) a file without `#!` is a script of the shell.
    if (codeOf(error) === 'ENOEXEC' && file !== SHELL) {
      execute(exec, SHELL, [SHELL, file, ...argv.slice(1)], env);
    } else {
      throw execFailure(file, error);
    }
  }
}

const SHELL = '/bin/sh';

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function execFailure(file: string, error: unknown): VirtshimError {
  const code = codeOf(error) === 'ENOENT' ? 'VIRTSHIM_EXEC_NOT_FOUND' : 'VIRTSHIM_EXEC_FAILED';
  return new VirtshimError(code, `cannot execute \`${file}\`: ${systemReason(error)}`, { cause: error });
}
