// Limits of calls in a span of time, counted by all processes together. docs/policy-limits.md says where and by whom.
#pragma once

#include "policy/policy.h"

namespace virtshim {

// Whom a limit per subject counts: the login user where there is one, else the effective user.
struct RateSubject {
  policy::MaybeId auid;
  uint32_t uid;
};

// Whether the limit is reached; below it, the call is counted. Unknown where that cannot be found out: once a minute a
// notice then says why. Takes some system calls; waits half a second at most; keeps errno.
policy::Tri countAgainst(const policy::image::Rate &rate, const RateSubject &subject);

}  // namespace virtshim
