import { Command } from 'commander';
import type { Outcome } from './outcome.js';
import { jsonText } from './text.js';

interface DiffCommandOptions {
  readonly trail?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function policyDiffCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('diff')
    .summary('say which calls two policies judge differently')
    .description(
      'Judges the calls of a trail by both policies and says whose verdict changes, by who made them. For what differs ' +
        'between the policies and no recorded call shows, it looks for a call that does. Images (*.img) are judged, too.',
    )
    .argument('<old>', 'a policy, JSON, or an image')
    .argument('<new>', 'another one')
    .option('-t, --trail <dir>', 'judge the calls of this trail by both')
    .option('--all', 'show all kinds of calls')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy diff operator.json stricter.json
  virtshim policy diff /etc/virtshim/policy.img host.json --trail /var/log/virtshim
  virtshim policy diff --json old.json new.json | jq '.analysis.counterexamples[].call'

Exit code 0 where no verdict was seen to change, 1 where one does.`,
    )
    .action(async (before: string, after: string, options: DiffCommandOptions) => {
      const { diffPolicies } = await import('../policy/diff.js');
      const { diffText } = await import('../policy/diff_text.js');
      const diff = await diffPolicies(before, after, options.trail === undefined ? {} : { trail: options.trail });
      process.stdout.write(options.json === true ? `${jsonText(diff, 2)}\n` : diffText(diff, options.all));
      finish(diff.differs ? 'problems' : 'ok');
    });
}
