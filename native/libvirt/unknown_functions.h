// Public functions of the installed libvirt that the shim does not know: calls to them pass it by.
#pragma once

#include "api/facts.h"

namespace virtshim {

constexpr int kMaxUnknown = 64;

struct UnknownFunctions {
  int count;                       // how many there are, also beyond those named
  const char *names[kMaxUnknown];  // in the library's own memory
};

// Looks through one library of libvirt, if it is loaded. Takes the dynamic linker's lock for a moment.
UnknownFunctions findUnknownFunctions(Library library);

// Name of the first one found by any of these look-ups so far, or nullptr.
const char *firstUnknownFunction();

}  // namespace virtshim
