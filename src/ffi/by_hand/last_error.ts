/** Copies of libvirt's last error. */
import { type ByHandFunctions, byHand } from '../../generated/ffi/by_hand.js';
import { virError } from '../../generated/ffi/structs.js';
import { arg } from '../args.js';
import { filled, viewOf } from '../cells.js';
import type { Codec } from '../codec.js';
import { define, type FunctionOf } from '../define.js';
import { lazily } from '../library.js';
import { CellStore } from '../memory.js';
import { returns } from '../returns.js';

const reset = lazily('void virResetError(void *error)');

/** An error that the caller owns: its strings are released. */
function errorCopy(index: number): Codec {
  const codec = filled('to', index, new CellStore(virError.size), (view) => virError.read(view, 0));
  const end: Codec['end'] = (call, succeeded) => {
    if (succeeded) reset(new Uint8Array(viewOf(call, index).buffer));
    codec.end?.(call, succeeded);
  };
  return { ...codec, end };
}

/** The code of the error is returned; 0 where there is none, -1 where libvirt remembers none for this thread. */
const code = { ...returns.found, failure: 'None' } as const;

export const virCopyLastError = define<FunctionOf<ByHandFunctions['virCopyLastError']>>({
  ...byHand.virCopyLastError,
  args: [errorCopy(0)],
  returns: code,
});

export const virConnCopyLastError = define<FunctionOf<ByHandFunctions['virConnCopyLastError']>>({
  ...byHand.virConnCopyLastError,
  args: [arg.object('conn', 0), errorCopy(1)],
  returns: code,
});
