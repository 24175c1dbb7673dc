// Windows of time in the zones of the image.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

// Whether the moment, in seconds since 1970 UTC, falls into the window.
bool withinWindow(const image::View &view, const image::Window &window, int64_t utcSeconds);

}  // namespace virtshim::policy
