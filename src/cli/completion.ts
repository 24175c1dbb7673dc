import { Argument, Command } from 'commander';
import { bashCompletion } from './completion/bash.js';
import { fishCompletion } from './completion/fish.js';
import { describeCommands } from './completion/model.js';
import { zshCompletion } from './completion/zsh.js';
import type { Outcome } from './outcome.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const PRINTERS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export function completionCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('completion')
    .summary('print the completion script of a shell')
    .description('Prints a script that completes commands, options and files of virtshim.')
    .addArgument(new Argument('<shell>', 'whose script').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  virtshim completion bash > /etc/bash_completion.d/virtshim
  virtshim completion zsh > "\${fpath[1]}/_virtshim"
  virtshim completion fish > ~/.config/fish/completions/virtshim.fish`,
    )
    .action((shell: Shell, _options: unknown, command: Command) => {
      const root = command.parent ?? command;
      process.stdout.write(PRINTERS[shell](describeCommands(root)));
      finish('ok');
    });
}
