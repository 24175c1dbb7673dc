// Each adds its functions to the module's exports.
#pragma once

#include <napi.h>

namespace virtshim::addon {

void exportPolicy(Napi::Env env, Napi::Object exports);   // loadPolicy, decide, decideAll, functionPolicy
void exportProcess(Napi::Env env, Napi::Object exports);  // exec

}  // namespace virtshim::addon
