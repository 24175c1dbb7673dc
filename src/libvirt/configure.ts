/** Which policy and trail hold for this process: told to the shim by the environment, before it is loaded. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { systemReason, VirtshimError } from '../errors.js';
import type { Mode } from '../policy/document.js';
import { imageOf } from '../policy/image_file.js';

export interface Settings {
  /** Path of a policy: JSON, which is compiled now, or an image made by `virtshim policy compile`. */
  readonly policy?: string;
  /** The trail's folder; made where it is not there. */
  readonly trail?: string;
  /** Instead of the policy's own mode. */
  readonly mode?: Mode;
}

const modes: readonly Mode[] = ['enforcing', 'permissive', 'disabled'];

/**
 * Sets the policy and the trail of this process, and of processes under virtshim that it starts. What is left out stays
 * as the environment has it. A policy in `/etc/virtshim/policy.img` holds besides.
 *
 * Call it first, in the main thread: the shim is loaded by the first call into libvirt and reads the settings then.
 * Throws VIRTSHIM_LATE after that, and the errors of a policy that cannot be used.
 */
export function configure(settings: Settings): void {
  assertInTime();
  if (settings.mode !== undefined && !modes.includes(settings.mode)) {
    throw new VirtshimError('VIRTSHIM_USAGE', `\`${settings.mode}\` is no mode`, {
      hint: `one of ${modes.join(', ')}`,
    });
  }
  const image = settings.policy === undefined ? undefined : imageOf(settings.policy);
  if (image !== undefined) process.env.VIRTSHIM_POLICY = image;
  if (settings.trail !== undefined) process.env.VIRTSHIM_TRAIL = resolve(settings.trail);
  if (settings.mode !== undefined) process.env.VIRTSHIM_MODE = settings.mode;
}

function assertInTime(): void {
  if (!isMainThread) {
    throw new VirtshimError('VIRTSHIM_LATE', 'a worker thread cannot configure virtshim', {
      hint: 'call `configure` in the main thread, before it starts workers',
    });
  }
  if (/\/libvirtshim\.so( \(deleted\))?$/m.test(loadedFiles())) {
    throw new VirtshimError('VIRTSHIM_LATE', 'the shim was loaded already, with the settings of the environment', {
      hint: 'call `configure` before the first call into libvirt; under `virtshim run` and `virtshim/register` give the policy there',
    });
  }
}

function loadedFiles(): string {
  try {
    return readFileSync('/proc/self/maps', 'utf8');
  } catch (error) {
    throw new VirtshimError('VIRTSHIM_FILE', `cannot read \`/proc/self/maps\`: ${systemReason(error)}`, {
      hint: 'under the permission model: --allow-fs-read=/proc/self/maps',
      cause: error,
    });
  }
}
