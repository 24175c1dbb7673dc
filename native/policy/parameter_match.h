// Comparisons of typed parameters.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

// Over all parameters whose field fits. Unknown where they are more than any function of libvirt takes.
Tri parameterMatches(const image::View &view, const image::Parameter &test, bool negated, const Request &request);

// Hands the values of these parameters to `out`.
void parameterValues(const image::View &view, const image::Parameter &test, const Request &request, XmlValues *out);

}  // namespace virtshim::policy
