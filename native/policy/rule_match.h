// Whether the conditions of one rule hold for a call.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

enum class Match : uint8_t {
  No,
  Yes,
  WithReason,  // if the caller gave a reason, as far as could be seen without counting the call
};

// `candidate` is how the rule was found for request.function; its group has `effect`. All conditions must hold; one
// that hangs on an unknown fact holds for deny rules only.
Match matchRule(const image::View &view, const image::Candidate &candidate, Effect effect, const Request &request);

}  // namespace virtshim::policy
