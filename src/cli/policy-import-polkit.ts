import { Command } from 'commander';
import type { ImportedPolicy, ImportNote } from '../policy/import_polkit.js';
import { printable } from '../printable.js';
import { counted } from './counted.js';
import { writeText } from './files.js';
import type { Outcome } from './outcome.js';
import { jsonText } from './text.js';

interface ImportOptions {
  readonly output?: string;
  readonly policyName: string;
  readonly json?: boolean;
}

export function policyImportPolkitCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('import-polkit')
    .summary('make a policy of polkit rules about libvirt')
    .description(
      'Reads files of polkit rules (JavaScript) and writes the policy that permits what they permit. What cannot be ' +
        'said in a policy is refused by it; standard error says what, with line and column.',
    )
    .argument('<file...>', 'the files, in the order in which polkit reads them')
    .option('-o, --output <file>', 'write the policy there instead of to standard output')
    .option('--policy-name <name>', "the policy's name", 'polkit')
    .option('--json', 'print one JSON object: the policy and what was left out')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy import-polkit /etc/polkit-1/rules.d/50-libvirt.rules -o host.json
  virtshim policy import-polkit --json 50-libvirt.rules | jq '.notes[]'

Exit code 1 where something was left out, so that the policy refuses what polkit might permit.`,
    )
    .action(async (files: string[], options: ImportOptions) => {
      const { importPolkit } = await import('../policy/import_polkit.js');
      const imported = importPolkit(files, options.policyName);
      if (options.output !== undefined) writeText(options.output, imported.text);
      if (options.json === true) process.stdout.write(`${jsonText(imported, 2)}\n`);
      else if (options.output === undefined) process.stdout.write(imported.text);
      if (options.json !== true) process.stderr.write(summary(imported));
      finish(imported.notes.some(({ leftOut }) => leftOut) ? 'problems' : 'ok');
    });
}

function summary({ rules, notes }: ImportedPolicy): string {
  const left = notes.filter(({ leftOut }) => leftOut).length;
  const total = `${counted(rules, 'rule')}, ${left === 0 ? 'nothing' : counted(left, 'thing')} left out`;
  return `${[...notes.map(noteLine), total].map(printable).join('\n')}\n`;
}

function noteLine({ file, line, column, message, leftOut }: ImportNote): string {
  return `${file}:${line}:${column}: ${leftOut ? 'left out' : 'note'}: ${message}`;
}
