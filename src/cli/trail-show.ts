import { Command, Option } from 'commander';
import { defaultTrail } from '../folders.js';
import type { TrailLine } from '../trail/record.js';
import type { Outcome } from './outcome.js';
import { jsonText } from './text.js';
import { type FilterOptions, VERDICTS } from './trail/filter.js';

const FORMATS = ['table', 'xml', 'json', 'audit'] as const;
type Format = (typeof FORMATS)[number];

interface ShowOptions extends FilterOptions {
  readonly format: Format;
}

/** A line of the trail that is a record. */
type RecordLine = TrailLine & Required<Pick<TrailLine, 'record'>>;

export function trailShowCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('show')
    .summary('print the records of a trail')
    .description('Prints the records of a trail, oldest first. All given conditions have to hold.')
    .argument('[dir]', "the trail's folder; by default where programs record that name none")
    .option('--vm <name>', 'calls on this guest')
    .option('--uuid <uuid>', 'calls on the object of this UUID')
    .option('--function <name>', 'calls of this libvirt function; * stands for anything')
    .addOption(new Option('--verdict <verdict>', 'how the call ended').choices(VERDICTS))
    .option('--actor <user>', 'calls that a program asserts to have made for this user')
    .option('--rid <id>', 'the records of this id, as a refusal names it')
    .option('--since <time>', 'records from this time on: 2026-01-31, 2026-01-31T14:30, or 90m, 2h, 1d ago')
    .option('--until <time>', 'records up to this time')
    .addOption(new Option('-f, --format <format>', 'how to print them').choices(FORMATS).default('table'))
    .addHelpText(
      'after',
      `
Formats: table (one row a call), xml (the lines as they are), json (one object a line), audit (the audit text of the
outcomes, for ausearch -if).

Examples:
  virtshim trail show
  virtshim trail show ./trail --verdict denied --since 1d
  virtshim trail show --format audit > calls.log && ausearch -if calls.log -i
  virtshim trail show --rid 5f3a0c9be1d27704 --format xml
  virtshim trail show --format json | jq -r 'select(.success == false) | .event'`,
    )
    .action(async (folder: string | undefined, options: ShowOptions) => {
      await show(folder ?? process.env.VIRTSHIM_TRAIL ?? defaultTrail(), options);
      finish('ok');
    });
}

async function show(folder: string, options: ShowOptions): Promise<void> {
  const wanted = selected(folder, options);
  switch (options.format) {
    case 'xml':
      for await (const { raw } of wanted) await print(`${raw.toString('utf8')}\n`);
      return;
    case 'json':
      for await (const { record } of wanted) await print(`${jsonText(record)}\n`);
      return;
    case 'audit':
      return showAudit(wanted);
    case 'table':
      return showTable(wanted);
  }
}

async function* selected(folder: string, options: FilterOptions): AsyncGenerator<RecordLine> {
  const { makeFilter } = await import('./trail/filter.js');
  const { readTrail } = await import('../trail/read.js');
  const filter = makeFilter(options);
  for await (const line of readTrail(folder)) {
    if (line.record === undefined) {
      process.stderr.write(`virtshim: warning: ${line.file}:${line.line}: ${line.problem ?? 'not a record'}\n`);
    } else if (filter(line.record)) {
      yield { ...line, record: line.record };
    }
  }
}

async function showTable(lines: AsyncIterable<RecordLine>): Promise<void> {
  const { asTable } = await import('./trail/table.js');
  const records = [];
  for await (const { record } of lines) records.push(record);
  await print(asTable(records));
}

/** Attempts and notices have no audit text. */
async function showAudit(lines: AsyncIterable<RecordLine>): Promise<void> {
  const { auditLine } = await import('../trail/audit_text.js');
  for await (const { record } of lines) {
    const text = auditLine(record);
    if (text !== undefined) await print(`${text}\n`);
  }
}

/** Waits where the reader is slower than the trail is long. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise((resume) => process.stdout.once('drain', resume));
}
