// What a callback's arguments are to JavaScript.
#pragma once

#include <napi.h>

#include "addon/callback_message.h"

namespace virtshim::addon {

// Addresses are bigints, 64-bit integers are numbers where that is exact, structs and typed parameters plain objects,
// NULL is null.
Napi::Value callbackValueToJs(Napi::Env env, const CallbackValue &value);

}  // namespace virtshim::addon
