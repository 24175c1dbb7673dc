import { Command } from 'commander';
import type { Outcome } from './outcome.js';
import type { WhoOptions } from './report/who.js';

export function reportWhoCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('who')
    .summary('tell who stopped a guest')
    .description('Tells who stopped a guest, when, how and by which call; and who was kept from it before.')
    .argument('<guest>', "the guest's name, one that it had before, or its UUID")
    .option('--all', 'every stop, not the last alone')
    .option('--trail <dir>', 'read this trail; may be given more than once', collect)
    .option(
      '-f, --file <file>',
      'read this audit log, or the logs of this folder; may be given more than once',
      collect,
    )
    .option('--json', 'print one JSON object for each stop')
    .addHelpText('after', HELP)
    .action(async (guest: string, options: WhoOptions, command: Command) => {
      const { who } = await import('./report/who.js');
      // --trail and --file may stand before `who`, too.
      finish(await who(guest, { ...command.parent?.opts<WhoOptions>(), ...options }));
    });
}

const HELP = `
By default it reads the trail of programs that name none, and auditd's logs: these hold libvirt's own record of every
stop. Without them only calls are known. Other users' trails are read where --trail names them. With --file, which may
be of another host, no trail is read that --trail does not name.

A stop is unattributed where no call that could cause it was recorded: see docs/report.md.

Examples:
  virtshim report who demo
  virtshim report who demo --all
  virtshim report who 6695eb01-f6a4-8304-79aa-97f2502e193f --json | jq .by
  virtshim report who demo --trail ./trail --file ./audit.log`;

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
