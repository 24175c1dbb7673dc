#pragma once

#include <cstdint>

namespace virtshim {

// One moment by both clocks.
struct Moment {
  int64_t realtimeNs;
  int64_t monotonicNs;
};
Moment currentMoment();

int64_t realtimeNs();         // since 1970-01-01 UTC
int64_t monotonicNs();        // since an arbitrary start
int64_t monotonicCoarseMs();  // the same clock, a few milliseconds coarse, without reading the hardware

}  // namespace virtshim
