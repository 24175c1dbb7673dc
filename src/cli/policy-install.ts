import { Command } from 'commander';
import { VirtshimError } from '../errors.js';
import { HOST_POLICY } from '../folders.js';
import type { PolicyDiff } from '../policy/diff.js';
import type { Installation, PolicyIdentity } from '../policy/install.js';
import { printable } from '../printable.js';
import type { Outcome } from './outcome.js';
import { jsonText } from './text.js';

interface InstallCommandOptions {
  readonly rollback?: boolean;
  readonly dryRun?: boolean;
  readonly trail?: string;
  readonly json?: boolean;
}

export function policyInstallCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('install')
    .summary("make a policy the host's")
    .description(
      'Checks the policy, runs the cases beside it (NAME.cases.json), compiles it and replaces ' +
        '/etc/virtshim/policy.img. Running programs take it up within a second. Where anything fails, the policy in ' +
        'force stays.',
    )
    .argument('[file]', 'the policy, JSON')
    .option('--rollback', 'put the policy before the last installation back')
    .option('-n, --dry-run', "check everything, write nothing, say what would change against the host's policy")
    .option('-t, --trail <dir>', 'with --dry-run: which calls of this trail would be judged otherwise')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy install --dry-run host.json --trail /var/log/virtshim
  virtshim policy install host.json
  virtshim policy install --rollback`,
    )
    .action(async (file: string | undefined, options: InstallCommandOptions) => {
      const done = await install(file, options);
      const diff = file === undefined ? undefined : await changesBy(file, done, options);
      process.stdout.write(
        options.json === true
          ? `${jsonText({ ...done, ...(diff && { diff }) }, 2)}\n`
          : await asText(done, diff, options),
      );
      finish('ok');
    });
}

async function install(file: string | undefined, options: InstallCommandOptions): Promise<Installation> {
  if (options.trail !== undefined && options.dryRun !== true) {
    throw new VirtshimError('VIRTSHIM_USAGE', '`--trail` is for `--dry-run`: installing judges no calls');
  }
  const { installPolicy, rollBackPolicy } = await import('../policy/install.js');
  if (options.rollback === true && file === undefined && options.dryRun !== true) return rollBackPolicy();
  if (options.rollback !== true && file !== undefined) return installPolicy(file, { dryRun: options.dryRun === true });
  throw new VirtshimError('VIRTSHIM_USAGE', 'either a policy or `--rollback` alone', {
    hint: 'virtshim policy install --help',
  });
}

/** Against the policy in force, where there is one. */
async function changesBy(
  file: string,
  { before }: Installation,
  { dryRun, trail }: InstallCommandOptions,
): Promise<PolicyDiff | undefined> {
  if (dryRun !== true || before === undefined) return undefined;
  const { diffPolicies } = await import('../policy/diff.js');
  return diffPolicies(HOST_POLICY, file, trail === undefined ? {} : { trail });
}

async function asText(
  { installed, before, replaced, cases }: Installation,
  diff: PolicyDiff | undefined,
  { dryRun }: InstallCommandOptions,
): Promise<string> {
  const tested = cases === undefined ? '' : `${cases} cases passed\n`;
  const was = before === undefined ? '' : ` in place of ${named(before)}`;
  if (dryRun === true) {
    const { diffText } = await import('../policy/diff_text.js');
    return `${tested}${named(installed)} would be in force${was}\n${diff === undefined ? '' : diffText(diff)}`;
  }
  return `${tested}${named(installed)} ${replaced ? `is in force${was}` : 'was in force already'}\n`;
}

const named = ({ name, digest }: PolicyIdentity): string => `policy \`${printable(name)}\` (${digest})`;
