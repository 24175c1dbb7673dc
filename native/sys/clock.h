#pragma once

#include <cstdint>

namespace virtshim {

int64_t realtimeNs();         // since 1970-01-01 UTC
int64_t monotonicNs();        // since an arbitrary start
int64_t monotonicCoarseMs();  // the same clock, a few milliseconds coarse, without reading the hardware

}  // namespace virtshim
