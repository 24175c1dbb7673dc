#pragma once

#include <string_view>

namespace virtshim {

inline bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

}  // namespace virtshim
