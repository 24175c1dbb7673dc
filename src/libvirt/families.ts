/** libvirt and libvirt-admin in one process. */
import { VirtshimError } from '../errors.js';

export type Family = 'libvirt' | 'libvirt-admin';

let opened: Family | undefined;

/**
 * To be called before a connection is opened. libvirt-admin carries libvirt's types a second time, and GLib has them
 * once for a process: a program that opens connections of both crashes, in C, too. Throws VIRTSHIM_CONFLICT.
 */
export function claimFamily(family: Family): void {
  opened ??= family;
  if (opened === family) return;
  throw new VirtshimError('VIRTSHIM_CONFLICT', `this process has opened a connection of ${opened} already`, {
    hint: 'libvirt cannot have connections to hypervisors and to the administration of a daemon in one process: start another',
  });
}
