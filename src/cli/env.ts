import { Command, Option } from 'commander';
import { otherPreloads, SHIM_VARIABLES, shimVariables } from './environment.js';
import type { Outcome } from './outcome.js';
import { addShimOptions, resolveSettings, type ShimOptions } from './settings.js';
import { jsonText } from './text.js';

const SHELLS = ['sh', 'fish', 'systemd'] as const;
type Shell = (typeof SHELLS)[number];

interface EnvOptions extends ShimOptions {
  readonly shell: Shell;
  readonly json?: boolean;
  readonly unset?: boolean;
}

/** A variable and its new value; undefined removes it. */
type Change = readonly [name: string, value: string | undefined];

export function envCommand(finish: (outcome: Outcome) => void): Command {
  const command = new Command('env')
    .summary('print the environment that puts programs under the shim')
    .description('Prints what `run` would set, for shells and service units that should not start Node each time.');
  return addShimOptions(command)
    .addOption(new Option('-s, --shell <shell>', 'the language to print').choices(SHELLS).default('sh'))
    .option('--json', 'print one JSON object; null stands for a variable to unset')
    .option('--unset', 'print what takes the shim out of the environment again')
    .addHelpText(
      'after',
      `
Examples:
  eval "$(virtshim env --policy operator.json)"
  virtshim env --policy operator.json --shell fish | source
  virtshim env --policy operator.json --shell systemd > /etc/systemd/system/backup.service.d/virtshim.conf
  eval "$(virtshim env --unset)"`,
    )
    .action(async (options: EnvOptions) => {
      const changes = options.unset === true ? await removals() : await additions(options);
      process.stdout.write(options.json === true ? asJson(changes) : PRINTERS[options.shell](changes));
      finish('ok');
    });
}

async function additions(options: EnvOptions): Promise<Change[]> {
  const settings = await resolveSettings(options);
  // A unit does not start from this shell's environment.
  const preloaded = options.shell === 'systemd' ? undefined : process.env.LD_PRELOAD;
  return Object.entries(shimVariables(settings, preloaded));
}

async function removals(): Promise<Change[]> {
  const { shimPath } = await import('../native.js');
  const others = otherPreloads(shimPath(), process.env.LD_PRELOAD);
  return SHIM_VARIABLES.map((name) => [
    name,
    name === 'LD_PRELOAD' && others.length > 0 ? others.join(':') : undefined,
  ]);
}

const PRINTERS: Record<Shell, (changes: readonly Change[]) => string> = {
  sh: lines(([name, value]) => (value === undefined ? `unset ${name}` : `export ${name}=${shellQuote(value)}`)),
  fish: lines(([name, value]) => (value === undefined ? `set -e ${name}` : `set -gx ${name} ${fishQuote(value)}`)),
  systemd: (changes) =>
    `[Service]\n${lines(([name, value]) =>
      value === undefined ? `UnsetEnvironment=${name}` : `Environment=${systemdQuote(`${name}=${value}`)}`,
    )(changes)}`,
};

function lines(print: (change: Change) => string): (changes: readonly Change[]) => string {
  return (changes) => changes.map((change) => `${print(change)}\n`).join('');
}

const shellQuote = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

const fishQuote = (value: string): string => `'${value.replace(/[\\']/g, '\\$&')}'`;

/** systemd.syntax(7): C escapes inside quotes; `%` starts a specifier, and `$` means nothing in Environment=. */
const systemdQuote = (assignment: string): string =>
  `"${assignment.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('\n', '\\n')}"`;

function asJson(changes: readonly Change[]): string {
  return `${jsonText(Object.fromEntries(changes.map(([name, value]) => [name, value ?? null])), 2)}\n`;
}
