import { Command, Option } from 'commander';
import type { Outcome } from './outcome.js';
import { REPORT_FORMATS, type ReportOptions } from './report/request.js';
import { reportWhoCommand } from './report-who.js';

export function reportCommand(finish: (outcome: Outcome) => void): Command {
  return (
    new Command('report')
      // What comes behind `who` is who's: some options have the same names.
      .enablePositionalOptions()
      .summary('print when guests ran, and what happened to them')
      .description(
        "Prints the sessions of guests that libvirt's records in the audit log tell of: all that auvirt did.",
      )
      .option('--start <when...>', 'what went on since then: a date, a time of the day, or both; or a word, see below')
      .option('--end <when...>', 'what went on until then')
      .option('-v, --vm <name>', 'sessions of this guest')
      .option('-u, --uuid <uuid>', 'sessions of the guest of this UUID')
      .option('--show-uuid', "print the guests' UUIDs, too")
      .option('-a, --all-events', 'print starts, stops, resources, AVCs and anomalies, each on a line of its own')
      .option('-t, --timeline', 'print everything that happened to guests, and who asked for it')
      .option('--html <file>', 'write the timeline as one page for a browser, which needs nothing else')
      .option('-s, --summary', 'print how much there is of each')
      .option('--proof', 'print the names of the audit events that say so, for ausearch')
      .option('-f, --file <file>', 'read this log, or the logs of this folder; may be given more than once', collect)
      .option('--trail <dir>', 'read this trail, too; may be given more than once', collect)
      .option('--stdin', 'read standard input')
      .addOption(new Option('--format <format>', 'how to print it').choices(REPORT_FORMATS).default('table'))
      .addOption(new Option('--compat <program>', 'print what this program prints').choices(['auvirt']))
      .option('--debug', 'tell on standard error what was read')
      .addHelpText('after', HELP)
      .action(async (options: ReportOptions) => finish(await report(options)))
      .addCommand(reportWhoCommand(finish))
  );
}

const HELP = `
Without --file and --stdin it reads /var/log/audit/audit.log and the rotated ones. Files may be compressed (gzip, xz,
zstd, bzip2), raw or enriched, from several hosts (node=), and in any order.

--start and --end take what ausearch takes: a date of the locale (01/31/26 in locale C), a time of the day (14:30,
14:30:00), or both; now, recent (ten minutes ago), boot, today, yesterday, this-week, week-ago, this-month, this-year;
and 2026-01-31, 2026-01-31T14:30:00Z, or 90m, 2h, 1d for that long ago. Sessions that were under way then are kept.

Examples:
  virtshim report
  virtshim report --vm demo --all-events --proof
  virtshim report --vm demo --timeline
  virtshim report --html report.html
  virtshim report --start yesterday 22:00 --end today 06:00
  virtshim report --file /var/log/audit --file trail/audit.log --summary
  virtshim report --format json | jq -r 'select(.state == "open") | .guest'
  virtshim report --compat auvirt --all-events

Exit code 1 where lines of the log cannot be read: they are named on standard error.`;

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

async function report(options: ReportOptions): Promise<Outcome> {
  const { checkOptions } = await import('./report/request.js');
  checkOptions(options);
  if (options.compat === 'auvirt') {
    const { reportAsAuvirt } = await import('./report/compat.js');
    return reportAsAuvirt(options);
  }
  if (options.html !== undefined) {
    const { reportHtml } = await import('./report/html.js');
    return reportHtml(options.html, options);
  }
  if (options.timeline === true) {
    const { reportTimeline } = await import('./report/timeline.js');
    return reportTimeline(options);
  }
  const { reportSessions } = await import('./report/sessions.js');
  return reportSessions(options);
}
