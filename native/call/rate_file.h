// When the last calls were that a limit let through: a small file that the processes share which it binds together.
//
// The file has a time of its own, which never goes back: within one boot of the machine it goes on by the kernel's
// running time, which nobody can set, and from one boot to the next by the wall clock. So setting the clock lifts no
// limit, and neither does a restart.
#pragma once

#include <cstdint>

namespace virtshim {

struct RateMoment {
  uint64_t boot;
  int64_t sinceBootNs;
  int64_t realtimeNs;
};

struct RateLimit {
  uint32_t calls;    // 1 to kMaxRateCalls
  uint32_t seconds;  // not 0
};

constexpr uint32_t kMaxRateCalls = 100000;  // of the policy language, too; 800 KB

enum class Counted : uint8_t {
  Yes,
  LimitReached,  // and so not counted
  Busy,          // others held the file for too long
  Damaged,       // it is not as it was left
  NoClock,       // /proc cannot be read, or a clock shows nonsense
  Failed,        // errno says why
};

// Counts a call of now in the open file, which is new or was made for this number of calls, unless that many were
// counted in the last seconds. Waits for other processes and threads, at most half a second; the lock ends with the
// process. Killed at any point, the call was counted or was not, and nothing is broken.
Counted countCall(int fd, const RateLimit &limit);

// The same at a given moment, the file being locked. For tests, too.
Counted countCallAt(int fd, const RateLimit &limit, const RateMoment &now);

}  // namespace virtshim
