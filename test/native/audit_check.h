// The least that a native test program needs: counted failures and an exit code.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace virtshim::test {

inline int g_failures = 0;

inline void expect(bool ok, const std::string &what) {
  if (ok) return;
  printf("FAIL %s\n", what.c_str());
  g_failures++;
}

inline void expectEqual(std::string_view got, std::string_view want, const std::string &what) {
  if (got == want) return;
  printf("FAIL %s\n  got  %.*s\n  want %.*s\n", what.c_str(), static_cast<int>(got.size()), got.data(),
         static_cast<int>(want.size()), want.data());
  g_failures++;
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// For main(): 0 where nothing failed.
inline int finish() {
  if (g_failures) printf("%d failed\n", g_failures);
  return g_failures != 0;
}

}  // namespace virtshim::test
