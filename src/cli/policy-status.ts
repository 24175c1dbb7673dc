import { Command } from 'commander';
import type { PolicyStatus, ProcessPolicies } from '../policy/status.js';
import { printable } from '../printable.js';
import type { Outcome } from './outcome.js';
import { jsonText, table } from './text.js';

export function policyStatusCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('status')
    .summary('say which policy is in force where')
    .description("Shows the host's policy and, for each running program under the shim, the policies it goes by.")
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy status
  virtshim policy status --json | jq '.processes[] | select(.current | not)'

Exit code 1 where the host's policy cannot be used, or a program does not go by it yet: programs take it up with
their next call.`,
    )
    .action(async (options: { json?: boolean }) => {
      const { policyStatus } = await import('../policy/status.js');
      const status = policyStatus();
      process.stdout.write(options.json === true ? `${jsonText(status, 2)}\n` : asText(status));
      finish(status.ok ? 'ok' : 'problems');
    });
}

function asText({ installed, previous, processes }: PolicyStatus): string {
  const rows = processes.map((one) => [
    String(one.pid),
    printable(one.command),
    one.host ?? '-',
    one.own ?? '-',
    state(one),
  ]);
  return [
    installed === undefined
      ? 'no host policy is installed\n'
      : installed.name === null
        ? `the host policy cannot be used, since ${installed.since}\n`
        : `host policy \`${printable(installed.name)}\` (${installed.digest}) since ${installed.since}\n`,
    previous === undefined ? '' : `before: policy \`${printable(previous.name)}\` (${previous.digest})\n`,
    rows.length === 0 ? '' : `\n${table([['PID', 'PROGRAM', 'HOST', 'OWN', ''], ...rows])}`,
  ].join('');
}

function state({ host, current }: ProcessPolicies): string {
  if (current) return '';
  return host === 'unusable' ? 'refuses everything' : 'another than installed';
}
