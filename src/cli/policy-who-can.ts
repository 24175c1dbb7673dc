import { Command } from 'commander';
import { addCallOptions, type CallOptions } from './call-options.js';
import type { Outcome } from './outcome.js';
import { jsonText } from './text.js';

interface WhoCanOptions extends CallOptions {
  readonly json?: boolean;
}

export function policyWhoCanCommand(finish: (outcome: Outcome) => void): Command {
  const command = new Command('who-can')
    .summary('say who may do something')
    .description(
      'Lists every user and group that the policy tells apart, and everyone else: whether they always may, never may, ' +
        'or on which conditions it depends, and by which rules. What options tell of the call is no condition any more.',
    )
    .argument('<file>', 'the policy, JSON')
    .argument('<action>', 'a permission, a function, a set, or a glob over either, as in rules')
    .argument('[resource]', 'name or UUID of what it is done to');
  return addCallOptions(command)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy who-can host.json domain.stop prod-db
  virtshim policy who-can host.json virDomainSetMemory -a memory=4194304 --uri qemu:///system
  virtshim policy who-can host.json config
  virtshim policy who-can --json host.json domain.read-secure | jq '.answers[].who[].subject'`,
    )
    .action(async (file: string, action: string, resource: string | undefined, options: WhoCanOptions) => {
      const { callOf } = await import('./call-description.js');
      const { whoCan } = await import('../policy/who_can.js');
      const { json, ...told } = options;
      const { function: _action, ...call } = callOf(action, { ...told, ...resourceOf(resource) });
      const answer = whoCan(file, action, { call });
      if (json === true) process.stdout.write(`${jsonText(answer, 2)}\n`);
      else process.stdout.write((await import('../policy/who_can_text.js')).whoCanText(answer));
      finish('ok');
    });
}

function resourceOf(resource: string | undefined): CallOptions {
  if (resource === undefined) return {};
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(resource) ? { uuid: resource } : { name: resource };
}
