/** The options that `run` and `env` share, made into settings of the shim. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { MODES, type Mode, type ShimSettings } from './environment.js';

export interface ShimOptions {
  readonly policy?: string;
  readonly trail?: string;
  readonly mode?: Mode;
  readonly actor?: string;
  readonly reason?: string;
  /** False where --no-inherit was given. */
  readonly inherit: boolean;
}

export function addShimOptions(command: Command): Command {
  return command
    .option('-p, --policy <file>', 'judge the calls by this policy (JSON, or an image made by `policy compile`)')
    .option('-t, --trail <dir>', 'record to the trail in this folder')
    .addOption(new Option('-m, --mode <mode>', 'refuse, only record what would be refused, or neither').choices(MODES))
    .option('--reason <text>', 'why: stands in every record')
    .option('--actor <user>', 'on whose behalf: stands in every record, marked as asserted')
    .option('--no-inherit', 'do not wrap the programs that the program starts');
}

/** Compiles the policy and finds the shim. Paths become absolute: the program may change its folder. */
export async function resolveSettings(options: ShimOptions): Promise<ShimSettings> {
  const { shimPath } = await import('../native.js');
  const { imageOf } = await import('../policy/image_file.js');
  return {
    shim: shimPath(),
    ...(options.policy === undefined ? {} : { policy: imageOf(options.policy) }),
    ...(options.trail === undefined ? {} : { trail: resolve(options.trail) }),
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    ...(options.actor === undefined ? {} : { actor: options.actor }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    noInherit: !options.inherit,
  };
}
