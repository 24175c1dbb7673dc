// native/generated/thunks.cc: for each function the thunk of its C signature.
import type { Api, ApiFunction } from '../model.js';
import { opaqueType } from '../types.js';
import { banner } from './banner.js';

export function emitThunks(api: Api): string {
  return `${banner}
#include <cstddef>

#include "addon/ffi_thunk.h"

namespace virtshim::addon {

const Thunk kThunks[kFunctionCount] = {
${api.functions.map((fn) => `    thunk<${signatureOf(fn).join(', ')}>,  // ${fn.name}\n`).join('')}};

}  // namespace virtshim::addon
`;
}

/** Result and arguments. What a pointer points to makes no difference to a call. */
function signatureOf(fn: ApiFunction): readonly string[] {
  return [fn.cReturns, ...fn.args.map((arg) => arg.cType)].map((type) => opaqueType(type).replace(/^const /, ''));
}
