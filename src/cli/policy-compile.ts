import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { systemReason, VirtshimError } from '../errors.js';
import type { Outcome } from './outcome.js';

export function policyCompileCommand(finish: (outcome: Outcome) => void): Command {
  return new Command('compile')
    .summary('make the image that the shim reads')
    .description(
      'Compiles a policy for this machine: users and groups become numbers now. The image is replaced atomically, so ' +
        'a host policy may be compiled over the one in force.',
    )
    .argument('<file>', 'the policy, JSON')
    .requiredOption('-o, --output <file>', 'where the image goes')
    .addHelpText(
      'after',
      `
Examples:
  virtshim policy compile operator.json -o operator.img
  virtshim policy compile host.json -o /etc/virtshim/policy.img`,
    )
    .action(async (file: string, options: { output: string }) => {
      const { readText } = await import('../policy/load.js');
      const { imageOfText } = await import('../policy/image_file.js');
      replaceFile(options.output, imageOfText(readText(file), file));
      finish('ok');
    });
}

/** Readable by all: a policy is no secret, and programs of every user have to read the host's. */
function replaceFile(path: string, content: Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(temporary, content, { flag: 'wx', mode: 0o644, flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new VirtshimError('VIRTSHIM_FILE', `cannot write \`${path}\`: ${systemReason(error)}`, {
      hint: 'the folder has to exist and to be yours to write',
      cause: error,
    });
  }
}
