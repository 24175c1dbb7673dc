// Comparisons of a call's arguments.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

// True where every comparison in the range holds. An argument that the function lacks fails; a NULL string equals
// nothing and matches no glob.
bool argumentsMatch(const image::View &view, image::Range arguments, const Request &request);

}  // namespace virtshim::policy
