#include "sys/clock.h"

#include <ctime>

namespace virtshim {
namespace {

int64_t read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

}  // namespace

Moment currentMoment() { return {realtimeNs(), monotonicNs()}; }

int64_t realtimeNs() { return read(CLOCK_REALTIME); }

int64_t monotonicNs() { return read(CLOCK_MONOTONIC); }

int64_t monotonicCoarseMs() { return read(CLOCK_MONOTONIC_COARSE) / 1000000; }

}  // namespace virtshim
