// The checkout as other users see it, whoever may enter the real one.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliOptions, type CliOutcome, command } from './cli.js';
import { ROOT, temporaryFolder } from './paths.js';
import { withMounts } from './private_mounts.js';

const SHOWN = ['dist', 'build', 'node_modules', 'policies', 'package.json'];

/** Runs virtshim behind `prefix` in a folder that shows the checkout to every user; it is the working directory, too. */
export function inPublicView(
  prefix: readonly string[],
): (args: readonly string[], env?: CliOptions['env']) => CliOutcome {
  const view = temporaryFolder('view');
  chmodSync(view, 0o755);
  for (const name of SHOWN) {
    if (name.includes('.')) writeFileSync(join(view, name), '');
    else mkdirSync(join(view, name));
  }
  const mounts = SHOWN.map((name) => ({ path: join(view, name), source: join(ROOT, name) }));
  const node = [process.execPath, join(view, 'dist/cli/main.js')];
  return (args, env) => {
    const [program, all] = withMounts(mounts, 'env', ['-C', view, ...prefix, ...node, ...args]);
    return command(program, all, { ...(env && { env }) });
  };
}

/** Runs virtshim as another user. */
export const asUser = (uid: number) => inPublicView(['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']);
