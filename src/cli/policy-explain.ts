import { Command } from 'commander';
import { VirtshimError } from '../errors.js';
import { defaultTrail } from '../folders.js';
import type { Explanation } from '../policy/explain.js';
import { addCallOptions, addSubjectOptions, type CallOptions } from './call-options.js';
import type { Outcome } from './outcome.js';
import { jsonText } from './text.js';

interface ExplainOptions extends CallOptions {
  readonly record?: string;
  readonly trail?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function policyExplainCommand(finish: (outcome: Outcome) => void): Command {
  const command = new Command('explain')
    .summary('say what a policy makes of a call, and why')
    .description(
      'Judges one call, described by options or taken from a trail, and says which rule decides, by which condition ' +
        'the other rules fail, and what is not known. Facts that are not told are unknown, arguments 0 or NULL.',
    )
    .argument('<file>', 'the policy, JSON')
    .argument('[function]', "libvirt's function, unless --record is given")
    .option('-r, --record <id>', 'the call with this record id, as refusals and `trail show` name it')
    .option('-t, --trail <dir>', "the trail's folder; by default where programs record that name none");
  return addCallOptions(addSubjectOptions(command))
    .option('--all', 'show all rules that cover what the call needs')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy explain operator.json virDomainDestroy --user mia --name web-1 --uri qemu:///system
  virtshim policy explain operator.json virDomainCreateWithFlags -a 'flags=VIR_DOMAIN_START_PAUSED'
  virtshim policy explain no-host-escape.json virDomainDefineXML --xml guest.xml
  virtshim policy explain host.json --record 5f3a0c9be1d27704 --trail ./trail

Exit code 0 where the call is permitted, 1 where it is refused.`,
    )
    .action(async (file: string, name: string | undefined, options: ExplainOptions) => {
      const explanation = await explained(file, name, options);
      const { explanationText } = await import('../policy/explain_text.js');
      process.stdout.write(
        options.json === true ? `${jsonText(explanation, 2)}\n` : explanationText(explanation, options.all),
      );
      finish(explanation.verdict === 'denied' ? 'problems' : 'ok');
    });
}

async function explained(file: string, name: string | undefined, options: ExplainOptions): Promise<Explanation> {
  const { explain, explainRecord } = await import('../policy/explain.js');
  const { record, trail, all: _all, json: _json, ...described } = options;
  if (record === undefined && name !== undefined && trail === undefined) {
    const { callOf } = await import('./call-description.js');
    return explain(file, callOf(name, described));
  }
  if (record !== undefined && name === undefined && Object.keys(described).length === 0) {
    return explainRecord(file, record, trail ?? process.env.VIRTSHIM_TRAIL ?? defaultTrail());
  }
  throw new VirtshimError('VIRTSHIM_USAGE', 'either a function with what is known of the call, or `--record`', {
    hint: 'virtshim policy explain --help',
  });
}
