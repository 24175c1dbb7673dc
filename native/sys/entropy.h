#pragma once

#include <cstddef>
#include <cstdint>

namespace virtshim {

// Fills `out` from the kernel's generator. Returns false (and leaves `out` alone) where there is none. Keeps errno.
bool randomBytes(void *out, size_t size);

// A record id: 64 bits, different for every call of every process. Not secret. Fast: no system call after the first.
uint64_t newRecordId();

// A forked child must not repeat its parent's ids.
void reseedRecordIds();

}  // namespace virtshim
