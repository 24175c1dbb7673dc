// What the policies in force say about a call, and what has to be done for each function.
#pragma once

#include <cstdint>

#include "policy/policy.h"

namespace virtshim {

constexpr int kReasonSize = 320;

// What the policies say about a call, with what a refusal's message and a record need. Texts live as long as the
// process, but for `reason`.
struct Verdict {
  Verdict() { reason[0] = 0; }
  Verdict(const Verdict &) = delete;
  Verdict &operator=(const Verdict &) = delete;

  bool denied = false;       // some policy refuses, in whichever mode
  bool enforced = false;     // and it is in enforcing mode: do not forward
  const char *rule = "";     // id of the deciding rule, or ""
  const char *digest = "";   // first 16 hex digits of the deciding policy's digest, or ""
  char reason[kReasonSize];  // why it is denied, for people; "" otherwise
};

// A denial that no policy spoke: it overrides whatever was said before.
[[gnu::format(printf, 2, 3)]] void denyFor(Verdict *verdict, const char *format, ...);

// What has to be done for calls of this function, as bits of Interest. After loadPolicies(), as all others here.
uint8_t interestUnderPolicies(FunctionId id);

// Asks every policy in force; the first that refuses in enforcing mode wins, then the first that would refuse.
void judge(const policy::Request &request, Verdict *out);

// Whether every policy permits the call, permissive rules included, so that there is nothing to say about it.
bool permits(const policy::Request &request);

// The verdict where no policy is asked: permitted, or refused where a policy in enforcing mode is unusable.
void leaveUnjudged(Verdict *out);

// Whether a policy in enforcing mode is unusable: everything is refused then.
bool refusesAll();

// Whether a state-changing call that cannot be recorded is refused.
bool refuseUnrecorded();

// Name of a public function of the installed libvirt that the shim does not know while the policy refuses such
// libraries, or nullptr.
const char *refusedUnknownFunction();

}  // namespace virtshim
