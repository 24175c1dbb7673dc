import { Command, Option } from 'commander';
import type { Outcome } from './outcome.js';
import { Progress } from './progress.js';
import { FORMATS, FORMATS_HELP, type Format } from './trail/formats.js';
import { addSelection, filterOf, SELECTION_HELP, type SelectionOptions, trailAt } from './trail/selection.js';

interface ShowOptions extends SelectionOptions {
  readonly format: Format;
}

export function trailShowCommand(finish: (outcome: Outcome) => void): Command {
  const command = new Command('show')
    .summary('print the records of a trail')
    .description('Prints the records of a trail, oldest first. All given conditions have to hold.')
    .argument('[trail]', "the trail's folder, one of its files, or -; by default where programs record that name none");
  return addSelection(command)
    .addOption(new Option('-f, --format <format>', 'how to print them').choices(FORMATS).default('table'))
    .addHelpText(
      'after',
      `
${FORMATS_HELP}

${SELECTION_HELP}

Examples:
  virtshim trail show
  virtshim trail show ./trail --verdict denied --since 1d
  virtshim trail show --vm demo --action domain.stop --user alice
  virtshim trail show --format audit > calls.log && ausearch -if calls.log -i
  virtshim trail show --rid 5f3a0c9be1d27704 --format xml
  virtshim trail show --format json | jq -r 'select(.success == false) | .event'
  xz -dc trail.xml.9.xz | virtshim trail show -

Rotated files are read too, also compressed ones. Exit code 1 where lines are not records: they are named on standard
error.`,
    )
    .action(async (path: string | undefined, options: ShowOptions) => finish(await show(trailAt(path), options)));
}

async function show(path: string, options: ShowOptions): Promise<Outcome> {
  const { readTrail } = await import('../trail/read.js');
  const { printerOf } = await import('./trail/formats.js');
  const { printRecords } = await import('./trail/printing.js');
  const progress = new Progress('reading');
  const lines = readTrail(path, { filter: await filterOf(options), onRead: progress.counter() });
  return printRecords(lines, await printerOf(options.format, false), { onPrint: () => progress.clear() });
}
