/**
 * `node --import virtshim/register app.js`: every libvirt call of the program is judged and recorded, whichever addon
 * makes it, and so are those of its child processes. VIRTSHIM_POLICY and the other variables say how.
 *
 * An addon that found libvirt before the shim came stays unguarded, and the loader takes the shim in at the start of a
 * process only. So the process starts itself anew, once, in its place, before the program has begun. Where that cannot
 * be, importing this throws VIRTSHIM_UNGUARDED.
 */
import { isMainThread } from 'node:worker_threads';
import { native } from './native.js';
import { MARK, startAnew, unguarded } from './register/anew.js';
import { isLoadedByFlag } from './register/flags.js';

const BY_FLAG = 'load it before the program: node --import virtshim/register app.js; or use virtshim run';

if (native().guarded()) {
  if (!staysHere()) delete process.env[MARK];
} else if (!isMeantForParent()) {
  if (!isMainThread) throw unguarded('a worker cannot be put under the shim after its process', BY_FLAG);
  if (!isLoadedByFlag(import.meta.url)) throw unguarded('the program has begun without the shim', BY_FLAG);
  startAnew();
}

/** Programs that this one starts are not to be wrapped. */
function staysHere(): boolean {
  return !['', '0'].includes(process.env.VIRTSHIM_NO_INHERIT ?? '');
}

/** Node gives its flags to its children. */
function isMeantForParent(): boolean {
  const mark = process.env[MARK];
  return staysHere() && mark !== undefined && mark !== String(process.pid);
}
