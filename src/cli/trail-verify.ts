import { Command } from 'commander';
import { VirtshimError } from '../errors.js';
import { defaultTrail } from '../folders.js';
import { printable } from '../printable.js';
import type { TrailPlace } from '../trail/record.js';
import type { TrailVerification } from '../trail/verify.js';
import type { Outcome } from './outcome.js';
import { Progress } from './progress.js';
import { painter } from './style.js';
import { jsonText } from './text.js';

interface VerifyCommandOptions {
  readonly anchor: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function trailVerifyCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('verify')
    .summary('find records that were changed, removed or added')
    .description(
      'Follows the chain through all files of a trail and names the first record that was changed, removed or added. ' +
        "Audit text holds a part of each record's chain value: the trail's own audit.log, the system's, where it may be " +
        'read, and what is given are compared. What they have and the trail has not was cut off or removed.',
    )
    .argument('[dir]', "the trail's folder; by default where programs record that name none")
    .option(
      '-a, --anchor <file>',
      'compare with this audit log, or those of a folder, too; may be repeated',
      collect,
      [],
    )
    .option('-q, --quiet', 'print only what is wrong')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim trail verify
  virtshim trail verify ./trail --anchor /backup/audit
  virtshim trail verify --quiet    # from cron
  virtshim trail verify --json | jq .head

Exit code 1 where the trail is not whole: the first problem is named first. Calls without an outcome and outcomes without
audit text are named, but are no fault of the trail.`,
    )
    .action(async (folder: string | undefined, options: VerifyCommandOptions) => {
      const found = await verify(folder ?? process.env.VIRTSHIM_TRAIL ?? defaultTrail(), options.anchor);
      process.stdout.write(options.json === true ? `${jsonText(found, 2)}\n` : asText(found, options.quiet === true));
      finish(found.ok ? 'ok' : 'problems');
    });
}

async function verify(folder: string, anchors: readonly string[]): Promise<TrailVerification> {
  const { verifyTrail } = await import('../trail/verify.js');
  const { SYSTEM_LOG, isFolder, withRotated } = await import('../audit/files.js');
  const system = await withRotated(SYSTEM_LOG).catch(() => []);
  const given = await Promise.all(anchors.map(async (path) => ((await isFolder(path)) ? withRotated(path) : [path])));
  const progress = new Progress('verifying');
  const found = await verifyTrail(folder, {
    anchors: [...new Set([...system, ...given.flat()])],
    onProgress: (bytes) => progress.update(bytes, 0),
  });
  progress.clear();
  const unread = given.flat().find((file) => !found.anchors.includes(file));
  if (unread !== undefined) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`${unread}\``, {
      hint: '--anchor takes a log of audit text, or a folder with an audit.log, that you may read',
    });
  }
  return found;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

function asText(found: TrailVerification, quiet: boolean): string {
  const problems = problemLines(found);
  const lines = quiet ? problems : [...problems, ...noteLines(found), verdictLine(found)];
  return lines.map((line) => `${line}\n`).join('');
}

function problemLines({ problems, problemCount }: TrailVerification): string[] {
  const paint = painter(process.stdout);
  const lines = problems.map(
    (problem) => `${placeText(problem)}: ${paint('red', problem.kind)}: ${printable(problem.message)}`,
  );
  const more = problemCount - problems.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

function noteLines({ unanswered, unanchored, endKnown, records }: TrailVerification): string[] {
  const paint = painter(process.stdout);
  const note = (place: TrailPlace, kind: string, text: string) =>
    `${placeText(place)}: ${paint('yellow', kind)}: ${text}`;
  const calls = unanswered.map((call) =>
    note(call, 'unanswered', `${call.event} by process ${call.pid} has no outcome (record ${call.rid})`),
  );
  const silent =
    unanchored &&
    note(
      unanchored.first,
      'no audit text',
      `${unanchored.count} ${unanchored.count === 1 ? 'outcome has' : 'outcomes have'} none, unlike those around (first record ${unanchored.first.rid})`,
    );
  const end =
    endKnown || records === 0
      ? []
      : ['.trail.state is not there: whether the end was cut off, only audit text could tell'];
  return [...calls, ...(silent === undefined ? [] : [silent]), ...end];
}

function verdictLine(found: TrailVerification): string {
  const paint = painter(process.stdout);
  const range =
    found.first === undefined ? 'no records' : `records ${found.first} to ${found.last}, ${found.anchored} anchored`;
  const removal = found.removal && `, records up to ${found.removal.upTo} removed by user ${found.removal.uid}`;
  const verdict = found.ok ? paint('green', 'whole') : paint('red', 'not whole');
  return `${printable(found.dir)} is ${verdict}: ${range}${removal ?? ''}`;
}

function placeText({ file, line }: TrailPlace): string {
  return `${printable(file)}:${line}`;
}
