// What the generated C functions do with a call.
#pragma once

#include "addon/callback_values.h"

namespace virtshim::addon {

// Tells the listener behind `opaque`, as it was handed to libvirt, that this happened. From any thread; never waits.
void post(void *opaque, const CallbackValue *values, int count);

// The same for what libvirt tells again and again for as long as it holds: while a call is still on its way to the
// listener, the next ones are one with it.
void postLatest(void *opaque, const CallbackValue *values, int count);

// libvirt's virFreeCallback: it has let go of the registration. From any thread, at any time.
void letGo(void *opaque);

}  // namespace virtshim::addon
