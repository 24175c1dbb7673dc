import { Command, InvalidArgumentError, Option } from 'commander';
import type { Outcome } from './outcome.js';
import { FORMATS, FORMATS_HELP, type Format } from './trail/formats.js';
import { untilInterrupted } from './trail/interrupt.js';
import { addSelection, filterOf, SELECTION_HELP, type SelectionOptions, trailAt } from './trail/selection.js';

interface FollowOptions extends SelectionOptions {
  readonly format: Format;
  readonly lines: number;
  readonly fromStart?: boolean;
}

export function trailFollowCommand(finish: (outcome: Outcome) => void): Command {
  const command = new Command('follow')
    .summary('print records as they are written')
    .description(
      'Prints the last records of a trail, then each new one as it is written, until it is interrupted. The trail may ' +
        'be rotated or begun anew meanwhile, and need not be there yet. All given conditions have to hold.',
    )
    .argument('[dir]', "the trail's folder; by default where programs record that name none");
  return addSelection(command)
    .addOption(new Option('-f, --format <format>', 'how to print them').choices(FORMATS).default('table'))
    .addOption(new Option('-n, --lines <count>', 'begin with so many of the last records').argParser(count).default(10))
    .addOption(new Option('--from-start', 'begin with the first record').conflicts('lines'))
    .addHelpText(
      'after',
      `
${FORMATS_HELP}

${SELECTION_HELP}

Examples:
  virtshim trail follow
  virtshim trail follow -n 0 --verdict denied
  virtshim trail follow ./trail --vm demo --format json | jq .event

In a table, calls without an outcome come when it is interrupted. Exit code 0 after an interrupt, 1 where lines were no
records: they are named on standard error.`,
    )
    .action(async (dir: string | undefined, options: FollowOptions) => finish(await follow(trailAt(dir), options)));
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('it is a number, 0 for none.');
  return Number(text);
}

async function follow(dir: string, options: FollowOptions): Promise<Outcome> {
  const { followTrail } = await import('../trail/follow.js');
  const { printerOf } = await import('./trail/formats.js');
  const { printRecords } = await import('./trail/printing.js');
  const filter = await filterOf(options);
  const printer = await printerOf(options.format, true);
  const from = options.fromStart === true ? 'start' : options.lines;
  return printRecords(followTrail(dir, { filter, from, signal: untilInterrupted() }), printer, { atOnce: true });
}
