import type { Api } from '../model.js';
import { banner } from './banner.js';

/** native/generated/function_ids.h */
export function emitFunctionIds(api: Api): string {
  return `${banner}
#pragma once

#include <cstdint>

namespace virtshim {

enum class FunctionId : uint16_t {
${api.functions.map((fn) => `  ${fn.name},\n`).join('')}};
constexpr uint16_t kFunctionCount = ${api.functions.length};
constexpr FunctionId kNoFunction = static_cast<FunctionId>(0xffff);

}  // namespace virtshim
`;
}
