import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultTrail } from '../folders.js';
import type {
  ArgumentsLevel,
  Combinations,
  ConnectionsLevel,
  LearntPolicy,
  NamesLevel,
  RefusedCall,
  Score,
  SubjectsLevel,
} from '../policy/learn.js';
import { printable } from '../printable.js';
import { counted } from './counted.js';
import { writeText } from './files.js';
import type { Outcome } from './outcome.js';
import { jsonText } from './text.js';

interface LearnCommandOptions {
  readonly output?: string;
  readonly policyName: string;
  readonly subjects: SubjectsLevel;
  readonly connections: ConnectionsLevel;
  readonly names: NamesLevel;
  readonly arguments: ArgumentsLevel;
  readonly holdOut?: number;
  readonly score?: string;
  readonly json?: boolean;
}

export function policyLearnCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('learn')
    .summary('make a policy that allows what a trail shows')
    .description(
      'Writes the least policy that allows the calls of a trail, recorded in permissive mode. It goes beyond what was ' +
        'seen only where options ask for it. How it did, and what it left out, goes to standard error.',
    )
    .argument('[dir]', "the trail's folder; by default where programs record that name none")
    .option('-o, --output <file>', 'write the policy there instead of to standard output')
    .option('--policy-name <name>', "the policy's name", 'learnt')
    .addOption(new Option('--subjects <level>', 'who').choices(['user', 'uid', 'any']).default('user'))
    .addOption(new Option('--connections <level>', 'by which way').choices(['uri', 'driver', 'any']).default('uri'))
    .addOption(new Option('--names <level>', 'on what').choices(['exact', 'prefix', 'any']).default('exact'))
    .addOption(new Option('--arguments <level>', 'with what').choices(['exact', 'range', 'any']).default('exact'))
    .option('--hold-out <share>', 'learn without the last calls, 20% or 0.2 of them, and score on these', parseShare)
    .option('--score <dir>', 'score on the calls of another trail')
    .option('--json', 'print one JSON object: the policy, what was left out, the score')
    .addHelpText(
      'after',
      `
Levels: names prefix makes one glob of names that differ only behind the last of \`- _ .\` or in their last digits;
arguments range allows the numbers between the least and the greatest seen, and the flags that were seen; arguments any
keeps only those that decide which permissions a call needs.

Examples:
  virtshim run --policy permissive-learn.json --trail ./trail -- virsh -c test:///default list --all
  virtshim policy learn ./trail -o host.json
  virtshim policy learn ./trail --names prefix --arguments range --hold-out 20% -o host.json
  virtshim policy learn ./monday --score ./tuesday --json | jq .score`,
    )
    .action(async (trail: string | undefined, options: LearnCommandOptions) => {
      const learnt = await learn(trail ?? process.env.VIRTSHIM_TRAIL ?? defaultTrail(), options);
      if (options.output !== undefined) writeText(options.output, learnt.text);
      if (options.json === true) process.stdout.write(`${jsonText(learnt, 2)}\n`);
      else if (options.output === undefined) process.stdout.write(learnt.text);
      if (options.json !== true) process.stderr.write(summary(learnt));
      finish('ok');
    });
}

async function learn(trail: string, options: LearnCommandOptions): Promise<LearntPolicy> {
  const { learnPolicy } = await import('../policy/learn.js');
  const { subjects, connections, names, arguments: args, holdOut, score } = options;
  return learnPolicy(trail, {
    name: options.policyName,
    levels: { subjects, connections, names, arguments: args },
    ...(holdOut !== undefined && { holdOut }),
    ...(score !== undefined && { scoreOn: score }),
  });
}

function parseShare(text: string): number {
  const share = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (/^[0-9.]+%?$/.test(text) && share > 0 && share < 1) return share;
  throw new InvalidArgumentError('It has to be a share between 0 and 1, such as 20% or 0.2.');
}

function summary({ rules, calls, leftOut, refused, score }: LearntPolicy): string {
  const lines = [`${counted(rules, 'rule')} from ${counted(calls, 'call')}`];
  for (const [why, count] of Object.entries(leftOut)) lines.push(`left out: ${counted(count, 'call')}: ${why}`);
  if (refused.length > 0) lines.push(`refused all the same, no rule can tell what they are: ${refused.join(', ')}`);
  return `${[...lines, ...(score === undefined ? [] : scoreLines(score))].map(printable).join('\n')}\n`;
}

const mostRefused = 10;

function scoreLines({ calls, allowed, refused, combinations }: Score): string[] {
  const more = refused.length - mostRefused;
  return [
    `held out: ${counted(calls, 'call')}, ${allowed} allowed (${percent(allowed, calls)})`,
    ...refused.slice(0, mostRefused).map(refusedLine),
    ...(more > 0 ? [`  and ${more} more`] : []),
    combinationsLine(combinations),
  ];
}

function refusedLine({ function: name, resource, count, record }: RefusedCall): string {
  return `  refused: ${name}${resource === undefined ? '' : ` on \`${resource}\``}, ${counted(count, 'call')}, record ${record}`;
}

function combinationsLine({ known, judged, allowed, neverOccurred }: Combinations): string {
  const of = judged === known ? `${known}` : `${judged} judged of ${known}`;
  return `allowed that never occurred: ${neverOccurred} of ${allowed} allowed combinations of user, connection, function and resource (${of} known)`;
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)}%`;
