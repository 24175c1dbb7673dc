/** How much of libvirt's work is done at once. */
import { VirtshimError } from '../errors.js';
import { native } from '../native.js';

const most = 1024;

/**
 * How many asynchronous calls of this process may be under way at once; 16 unless told, 1024 at most. The others wait.
 * Threads are started when they are needed: a program whose calls wait for slow daemons or guests may want more of them.
 */
export function setThreads(max: number): void {
  if (!Number.isSafeInteger(max) || max < 1 || max > most) {
    throw new VirtshimError(
      'VIRTSHIM_ARGUMENT',
      `\`max\` of setThreads must be a whole number from 1 to ${most}, not \`${max}\``,
    );
  }
  native().setThreads(max);
}
