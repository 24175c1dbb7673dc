// Whether the conditions of one rule hold for a call.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

// `candidate` is how the rule was found for request.function; its group has `effect`. All conditions must hold; one
// that hangs on an unknown fact holds for deny rules only.
bool ruleMatches(const image::View &view, const image::Candidate &candidate, Effect effect, const Request &request);

}  // namespace virtshim::policy
