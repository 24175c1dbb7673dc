import { Command } from 'commander';
import { defaultTrail } from '../folders.js';
import { printable } from '../printable.js';
import type { TrailVerification } from '../trail/verify.js';
import type { Outcome } from './outcome.js';
import { painter } from './style.js';
import { jsonText } from './text.js';

interface VerifyCommandOptions {
  readonly anchor: readonly string[];
  readonly json?: boolean;
}

export function trailVerifyCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('verify')
    .summary('find records that were changed, removed or added')
    .description(
      'Follows the chain through all files of a trail and names the first record that was changed, removed or added. ' +
        "Audit logs, which hold a part of each record's chain value, are compared where they are given.",
    )
    .argument('[dir]', "the trail's folder; by default where programs record that name none")
    .option('-a, --anchor <file>', 'compare with this audit log too; may be repeated', collect, [])
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim trail verify
  virtshim trail verify ./trail --anchor /var/log/audit/audit.log
  virtshim trail verify --json | jq .head

Exit code 1 where the trail is not whole. Calls without an outcome are named, but are no fault of the trail.`,
    )
    .action(async (folder: string | undefined, options: VerifyCommandOptions) => {
      const { verifyTrail } = await import('../trail/verify.js');
      const found = await verifyTrail(folder ?? process.env.VIRTSHIM_TRAIL ?? defaultTrail(), {
        anchors: options.anchor,
      });
      process.stdout.write(options.json === true ? `${jsonText(found, 2)}\n` : asText(found));
      finish(found.ok ? 'ok' : 'problems');
    });
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

function asText(found: TrailVerification): string {
  const paint = painter(process.stdout);
  const problems = found.problems.map(
    ({ file, line, kind, message }) => `${printable(file)}:${line}: ${paint('red', kind)}: ${printable(message)}`,
  );
  const unanswered = found.unanswered.map(
    ({ file, line, event, pid, rid }) =>
      `${printable(file)}:${line}: ${paint('yellow', 'unanswered')}: ${event} by process ${pid} has no outcome (record ${rid})`,
  );
  const range =
    found.first === undefined ? 'no records' : `records ${found.first} to ${found.last}, ${found.anchored} anchored`;
  const removal = found.removal && `, records up to ${found.removal.upTo} removed by user ${found.removal.uid}`;
  const verdict = found.ok ? paint('green', 'whole') : paint('red', 'not whole');
  return [...problems, ...unanswered, `${printable(found.dir)} is ${verdict}: ${range}${removal ?? ''}`, ''].join('\n');
}
