// The policies in force in this process: the host's, which nothing in the environment can loosen, and the one that the
// environment names. Loaded on the first call that is not a mere helper. The host's is taken up anew when its file is
// replaced; the last good one stays where the new one cannot be used or the file is gone.
#pragma once

#include <atomic>
#include <cstdint>

#include "policy/policy.h"
#include "sys/clock.h"

namespace virtshim {

constexpr char kHostPolicyPath[] = "/etc/virtshim/policy.img";

struct ActivePolicy {
  policy::Policy policy;
  policy::Mode mode = policy::Mode::Enforcing;
  bool usable = false;
  uint8_t *image = nullptr;  // malloc'd, where usable
  char digest[17] = "";      // first 16 hex digits of the policy's
  char why[320] = "";        // why it is not usable
};

// Never changed and never freed once it is in force: records, messages and calls on their way point into it.
struct PolicySet {
  const ActivePolicy *host = nullptr;
  const ActivePolicy *own = nullptr;
  const ActivePolicy *all[2] = {};
  int count = 0;

  void add(const ActivePolicy *entry) { all[count++] = entry; }
  const ActivePolicy *const *begin() const { return all; }
  const ActivePolicy *const *end() const { return all + count; }
};

// Loads the policies and configures the trail. Idempotent and thread-safe; bounded in time.
void loadPolicies();

// After loadPolicies().
const PolicySet &policiesInForce();

// The mode of a process without any policy.
policy::Mode modeWithoutPolicy();

extern std::atomic<int64_t> nextLookMs;  // by the coarse clock
bool lookAtHostPolicy();

// Takes up a host policy that was replaced. True where another one is in force from here on: every function's interest
// is worked out anew then. Looks twice a second at most; in between it reads a clock and nothing else.
inline bool takeUpNewPolicy() {
  return __builtin_expect(monotonicCoarseMs() >= nextLookMs.load(std::memory_order_relaxed), 0) && lookAtHostPolicy();
}

}  // namespace virtshim
