// Random numbers that are the same in each run: xorshift64.
#pragma once

#include <cstdint>

namespace virtshim::test {

inline uint64_t nextRandom() {
  static uint64_t state = 88172645463325252u;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

}  // namespace virtshim::test
