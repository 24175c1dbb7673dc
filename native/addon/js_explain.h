// Explanations as JavaScript gets them: conditions by their places in the rule, what they want and what there is.
#pragma once

#include "addon/js_request.h"
#include "policy/explain.h"

namespace virtshim::addon {

// For each rule that covers something the call needs: {rule, effect, permissive, permissions, holds, failed}.
Napi::Array explainRules(Napi::Env env, const policy::Policy &policy, const policy::Request &request, JsFacts *facts);

}  // namespace virtshim::addon
