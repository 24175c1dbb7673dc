import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Environment = NodeJS.ProcessEnv;

const effectiveUid = (): number => process.geteuid?.() ?? -1;

/** The XDG rules: a relative path in the variable is ignored. */
function xdgFolder(value: string | undefined, fallback: string): string {
  return value !== undefined && isAbsolute(value) ? value : join(homedir(), fallback);
}

/** The trail's folder where nobody names one; libvirtshim.so has the same rule. */
export function defaultTrail(env: Environment = process.env, uid: number = effectiveUid()): string {
  return uid === 0 ? '/var/log/virtshim' : join(xdgFolder(env.XDG_STATE_HOME, '.local/state'), 'virtshim');
}

/** Where compiled policies are kept. */
export function cacheFolder(env: Environment = process.env, uid: number = effectiveUid()): string {
  return uid === 0 ? '/var/cache/virtshim' : join(xdgFolder(env.XDG_CACHE_HOME, '.cache'), 'virtshim');
}

/** The policy that an administrator installed; nothing in the environment loosens it. */
export const HOST_POLICY = '/etc/virtshim/policy.img';
