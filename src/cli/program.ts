import { Command } from 'commander';
import { completionCommand } from './completion.js';
import { doctorCommand } from './doctor.js';
import { envCommand } from './env.js';
import type { Outcome } from './outcome.js';
import { policyCheckCommand } from './policy-check.js';
import { policyCompileCommand } from './policy-compile.js';
import { policyDiffCommand } from './policy-diff.js';
import { policyExplainCommand } from './policy-explain.js';
import { policyImportPolkitCommand } from './policy-import-polkit.js';
import { policyInstallCommand } from './policy-install.js';
import { policyLearnCommand } from './policy-learn.js';
import { policyStatusCommand } from './policy-status.js';
import { policyTestCommand } from './policy-test.js';
import { policyWhoCanCommand } from './policy-who-can.js';
import { reportCommand } from './report.js';
import { runCommand } from './run.js';
import { painter } from './style.js';
import { trailExportCommand } from './trail-export.js';
import { trailFollowCommand } from './trail-follow.js';
import { trailRotateCommand } from './trail-rotate.js';
import { trailShowCommand } from './trail-show.js';
import { trailVerifyCommand } from './trail-verify.js';
import { packageVersion } from './version.js';

const trailCommands = [
  trailShowCommand,
  trailFollowCommand,
  trailExportCommand,
  trailVerifyCommand,
  trailRotateCommand,
];

const policyCommands = [
  policyCheckCommand,
  policyExplainCommand,
  policyCompileCommand,
  policyInstallCommand,
  policyLearnCommand,
  policyDiffCommand,
  policyImportPolkitCommand,
  policyStatusCommand,
  policyTestCommand,
  policyWhoCanCommand,
];

/** The whole command tree. `finish` is told how the chosen command ended. */
export function buildProgram(finish: (outcome: Outcome) => void): Command {
  const program = new Command('virtshim')
    .description('Every libvirt call of a program judged by a policy and recorded.')
    .version(packageVersion(), '-V, --version')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `
Examples:
  virtshim run --policy operator.json -- virsh -c test:///default suspend test
  virtshim trail show
  virtshim doctor

Exit codes: 0 done, 1 problems found (policy check, explain, test and diff, trail verify, doctor), 2 wrong usage,
3 could not be done, 70 a defect of virtshim. \`run\` ends as env(1) does: see \`virtshim run --help\`.`,
    );
  program.addCommand(runCommand(finish));
  program.addCommand(envCommand(finish));
  program.addCommand(group('policy', 'check, explain, test and install policies', policyCommands, finish));
  program.addCommand(group('trail', 'read, export, verify and rotate trails', trailCommands, finish));
  program.addCommand(reportCommand(finish));
  program.addCommand(doctorCommand(finish));
  program.addCommand(completionCommand(finish));
  configure(program);
  return program;
}

type CommandFactory = (finish: (outcome: Outcome) => void) => Command;

function group(name: string, summary: string, factories: CommandFactory[], finish: (outcome: Outcome) => void) {
  const command = new Command(name).description(summary);
  for (const factory of factories) command.addCommand(factory(finish));
  return command;
}

/** One look and one way to fail for every command: nothing but main.ts ends the process. */
function configure(command: Command): void {
  const paintOut = painter(process.stdout);
  const paintError = painter(process.stderr);
  command
    .exitOverride()
    .configureHelp({ styleTitle: (title) => paintOut('bold', title), helpWidth: 100 })
    .configureOutput({
      outputError: (text, write) => write(`virtshim: ${text.replace(/^error:/, () => paintError('red', 'error:'))}`),
      getOutHasColors: () => process.stdout.isTTY === true,
    })
    .showHelpAfterError(`run \`${pathOf(command)} --help\` to see how it is used`);
  for (const child of command.commands) configure(child);
}

/** "virtshim policy check" */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
