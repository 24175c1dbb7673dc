import { VirtshimError } from '../errors.js';
import { readProgram } from './elf.js';
import { statusOf } from './files.js';

const SETUID = 0o4000;
const SETGID = 0o2000;

/**
 * Refuses programs that the loader would start without the shim, silently: the promise of `virtshim run` is that the
 * program is wrapped. Files with capabilities are not recognised; docs/threat-model.md says so.
 */
export function assertWrappable(path: string): void {
  const reason = whyNotWrappable(path);
  if (reason === undefined) return;
  throw new VirtshimError('VIRTSHIM_EXEC_FAILED', `\`${path}\` would run without the shim: ${reason}`, {
    hint: 'wrap the libvirt daemon instead: what passes through it is seen whoever sent it',
  });
}

function whyNotWrappable(path: string): string | undefined {
  const status = statusOf(path);
  if (status === undefined || !status.isFile()) return undefined;
  if ((status.mode & SETUID) !== 0 && status.uid !== process.geteuid?.()) return 'it is set-user-ID';
  if ((status.mode & SETGID) !== 0 && status.gid !== process.getegid?.()) return 'it is set-group-ID';
  const program = readable(path);
  if (program === undefined) return undefined;
  if (!program.dynamic) return 'it is statically linked';
  const own = readable(process.execPath);
  if (own !== undefined && (own.bits !== program.bits || own.machine !== program.machine)) {
    return 'it is made for another architecture';
  }
  return undefined;
}

/** Undefined also for a program that may be executed but not read: the kernel decides about that one. */
function readable(path: string): ReturnType<typeof readProgram> {
  try {
    return readProgram(path);
  } catch {
    return undefined;
  }
}
