// libvirt as the addon calls it: through the shim, never past it.
#pragma once

#include <string>

#include "api/facts.h"

namespace virtshim::addon {

// Loads the shim at `path`, or takes the one that is in this process already, initializes libvirt and keeps it from
// printing errors. Does nothing the second time. False, with `problem`, where the shim cannot be loaded.
bool attachShim(const char *path, std::string *problem);

bool isAttached();

// The shim's wrapper of a function, or nullptr: no shim was attached.
void *shimFunction(FunctionId id);

// Any other symbol that the shim exports, or nullptr.
void *shimSymbol(const char *name);

}  // namespace virtshim::addon
