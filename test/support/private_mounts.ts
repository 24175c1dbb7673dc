// Gives a program its own view of a folder or file of the machine, which other processes do not see.
import { spawnSync } from 'node:child_process';

/** `path` (made as a folder where it is missing and the machine lets it) shows what lies at `source`. */
export interface Mount {
  path: string;
  source: string;
}

/** Whether this process may make mounts of its own. */
export const canMountPrivately: boolean =
  spawnSync('unshare', ['-m', 'mount', '--bind', '/etc', '/mnt'], { stdio: 'ignore' }).status === 0;

/** The program and arguments that run `program` with these mounts in a namespace of its own. */
export function withMounts(
  mounts: readonly Mount[],
  program: string,
  args: readonly string[],
): readonly [string, string[]] {
  const binds = mounts.flatMap(({ path, source }) => [source, path]);
  const script = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 99; shift 2; done; shift; exec "$@"';
  return ['unshare', ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', ...binds, '--', program, ...args]];
}
