#include "policy/glob.h"

namespace virtshim::policy {

namespace {

// Size of the pattern's element at `at`: 2 where an escape takes the next byte. A final lone backslash is itself.
size_t elementSize(std::string_view pattern, size_t at) {
  return pattern[at] == '\\' && at + 1 < pattern.size() ? 2 : 1;
}

bool elementMatches(std::string_view pattern, size_t at, char byte) {
  if (pattern[at] == '?') return true;
  return pattern[at + elementSize(pattern, at) - 1] == byte;
}

}  // namespace

bool globMatches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  // Only the latest star is ever widened: what earlier ones took can be given to it.
  size_t afterStar = std::string_view::npos;
  size_t starText = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      afterStar = ++p;
      starText = t;
    } else if (p < pattern.size() && elementMatches(pattern, p, text[t])) {
      p += elementSize(pattern, p);
      ++t;
    } else if (afterStar != std::string_view::npos) {
      p = afterStar;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace virtshim::policy
