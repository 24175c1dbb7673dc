import { Command } from 'commander';
import { VirtshimError } from '../errors.js';
import { defaultTrail } from '../folders.js';
import { printable } from '../printable.js';
import type { RotationLimits, RotationOutcome } from '../trail/rotate.js';
import type { Outcome } from './outcome.js';
import { parseCount, parseSize, parseSpan } from './quantities.js';
import { jsonText } from './text.js';

interface RotateCommandOptions {
  readonly size?: number;
  readonly age?: number;
  readonly keep?: number;
  readonly compress?: boolean;
  readonly automatic?: boolean;
  readonly json?: boolean;
}

export function trailRotateCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('rotate')
    .summary('put trail.xml aside and begin a new one')
    .description(
      'Puts trail.xml and audit.log aside under a name with the time. Programs go on writing: the next record stands in ' +
        'a new file and follows from the last one. With a size or an age, only where trail.xml has reached one of them.',
    )
    .argument('[dir]', "the trail's folder; by default where programs record that name none")
    .option('--size <size>', 'where it has this size: 64M, 1G', parseSize)
    .option('--age <span>', 'where its first record is this old: 12h, 1d, 4w', parseSpan)
    .option('--keep <number>', 'remove the oldest files until this many that were put aside are left', parseCount)
    .option('--compress', 'compress the files that were put aside (gzip)')
    .option('--automatic', 'let the programs do it by themselves, at this size or age, from now on')
    .option('--no-automatic', 'let the programs do it no more')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim trail rotate
  virtshim trail rotate --automatic --size 256M --age 1w
  virtshim trail rotate --size 64M --keep 20 --compress    # from cron

What is removed, the trail says itself: verify goes on from there.`,
    )
    .action(async (given: string | undefined, options: RotateCommandOptions) => {
      const folder = given ?? process.env.VIRTSHIM_TRAIL ?? defaultTrail();
      const text = options.automatic === undefined ? await rotate(folder, options) : await automatic(folder, options);
      process.stdout.write(text);
      finish('ok');
    });
}

async function rotate(folder: string, options: RotateCommandOptions): Promise<string> {
  const { rotateTrail } = await import('../trail/rotate.js');
  const { keep, compress } = options;
  const due = limitsOf(options);
  const outcome = await rotateTrail(folder, {
    ...(Object.keys(due).length > 0 && { due }),
    ...(keep !== undefined && { keep }),
    ...(compress !== undefined && { compress }),
  });
  return options.json === true ? `${jsonText(outcome, 2)}\n` : asText(outcome);
}

async function automatic(folder: string, options: RotateCommandOptions): Promise<string> {
  const { setRotation } = await import('../trail/rotate.js');
  const limits = limitsOf(options);
  const on = options.automatic === true;
  if (options.keep !== undefined || options.compress !== undefined) {
    throw new VirtshimError('VIRTSHIM_USAGE', 'programs neither compress nor remove files', {
      hint: 'run virtshim trail rotate --size 64M --keep 20 --compress from cron or a timer',
    });
  }
  if (on !== Object.keys(limits).length > 0) {
    throw new VirtshimError(
      'VIRTSHIM_USAGE',
      on ? 'at which size or age?' : '--no-automatic takes no size and no age',
      {
        hint: 'virtshim trail rotate --automatic --size 256M, or --no-automatic alone',
      },
    );
  }
  await setRotation(folder, limits);
  return options.json === true ? `${jsonText({ automatic: limits }, 2)}\n` : '';
}

function limitsOf({ size, age }: RotateCommandOptions): RotationLimits {
  return { ...(size !== undefined && { size }), ...(age !== undefined && { age }) };
}

function asText({ rotated, removed, compressed, busy }: RotationOutcome): string {
  const lines = [
    rotated === undefined ? 'trail.xml stays' : `trail.xml is now ${rotated}`,
    ...removed.map((name) => `removed ${name}`),
    ...compressed.map((name) => `compressed ${name}`),
    ...(busy === true ? ['another run is at it: this one neither removed nor compressed anything'] : []),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}
