// Globs over bytes: `*` any bytes, `?` one byte, `\` takes the next byte literally. Case-sensitive.
#pragma once

#include <string_view>

namespace virtshim::policy {

// Needs at most text x pattern steps, whatever the number of stars; no recursion, no allocation.
bool globMatches(std::string_view pattern, std::string_view text);

}  // namespace virtshim::policy
