import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { EXPORT_FORMATS, type ExportFormat } from '../trail/export/formats.js';
import type { TrailLine } from '../trail/record.js';
import type { Outcome } from './outcome.js';
import { untilInterrupted } from './trail/interrupt.js';
import { addSelection, filterOf, SELECTION_HELP, type SelectionOptions, trailAt } from './trail/selection.js';

interface ExportOptions extends SelectionOptions {
  readonly format: ExportFormat;
  readonly host: string;
  /** False where --no-names was given. */
  readonly names: boolean;
  readonly follow?: boolean;
}

export function trailExportCommand(finish: (outcome: Outcome) => void): Command {
  const command = new Command('export')
    .summary('print the calls of a trail as events of other log systems')
    .description(
      'Prints one JSON object a line for each call: its outcome, or the attempt where no outcome is recorded. Notices ' +
        'of the shim are events too. All given conditions have to hold.',
    )
    .argument('[trail]', "the trail's folder, one of its files, or -; by default where programs record that name none")
    .addOption(
      new Option('-f, --format <format>', 'CADF (DSP0262 1.0), ECS 8.17 or OCSF 1.3')
        .choices(EXPORT_FORMATS)
        .makeOptionMandatory(),
    )
    .option('--host <name>', 'the machine that the trail is of: records do not say it', hostname())
    .option('--no-names', 'leave out the names that users have on this machine');
  return addSelection(command)
    .option('--follow', 'go on with new records, until it is interrupted')
    .addHelpText(
      'after',
      `
${SELECTION_HELP}

Examples:
  virtshim trail export --format ecs > calls.ndjson
  virtshim trail export --format cadf --verdict denied --since 1d
  virtshim trail export /mnt/hv2/virtshim --format ocsf --host hv2 --no-names

Exit code 1 where lines are not records: they are named on standard error.`,
    )
    .action(async (path: string | undefined, options: ExportOptions) => finish(await run(trailAt(path), options)));
}

async function run(path: string, options: ExportOptions): Promise<Outcome> {
  const { EventPrinter } = await import('./trail/events.js');
  const { printRecords } = await import('./trail/printing.js');
  const { packageVersion } = await import('./version.js');
  const { knownUserNames } = await import('./trail/users.js');
  const live = options.follow === true;
  const context = {
    host: options.host,
    version: packageVersion(),
    ...(options.names && { userName: knownUserNames() }),
  };
  return printRecords(await linesOf(path, options), new EventPrinter(options.format, context), { atOnce: live });
}

async function linesOf(path: string, options: ExportOptions): Promise<AsyncIterable<TrailLine>> {
  const filter = await filterOf(options);
  const { followTrail } = await import('../trail/follow.js');
  const { readTrail } = await import('../trail/read.js');
  if (options.follow !== true) return readTrail(path, { filter });
  return followTrail(path, { filter, from: 'start', signal: untilInterrupted() });
}
