// Which boot of the machine this is, and how long it has lasted.
#pragma once

#include <cstdint>

namespace virtshim {

// A number of the kernel's for this boot, never 0. False where /proc cannot be read. Kept once known; keeps errno.
bool bootId(uint64_t *id);

// Time that the machine slept counts, and setting the clock changes nothing.
int64_t sinceBootNs();

}  // namespace virtshim
