#include "interposer/inherit.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace virtshim {
namespace {

constexpr std::string_view kSeparators = " :";

const char *ownPath() {
  Dl_info info;
  return dladdr(reinterpret_cast<void *>(&dropInheritance), &info) ? info.dli_fname : nullptr;
}

// Entries without a slash were searched for along the library path, and the path is what was found.
bool names(std::string_view entry, std::string_view path) {
  if (entry.find('/') != std::string_view::npos) return entry == path;
  return entry == path.substr(path.rfind('/') + 1);
}

// Copies the list to `out` without the entries that name `drop`.
void copyWithout(std::string_view list, std::string_view drop, char *out) {
  char *at = out;
  while (!list.empty()) {
    size_t end = list.find_first_of(kSeparators);
    std::string_view entry = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    if (entry.empty() || names(entry, drop)) continue;
    if (at != out) *at++ = ':';
    memcpy(at, entry.data(), entry.size());
    at += entry.size();
  }
  *at = 0;
}

}  // namespace

void dropInheritance() {
  const char *asked = getenv("VIRTSHIM_NO_INHERIT"), *list = getenv("LD_PRELOAD"), *self = ownPath();
  if (!asked || !*asked || strcmp(asked, "0") == 0 || !list || !self) return;
  char *rest = static_cast<char *>(malloc(strlen(list) + 1));
  if (!rest) return;
  copyWithout(list, self, rest);
  if (*rest)
    setenv("LD_PRELOAD", rest, 1);
  else
    unsetenv("LD_PRELOAD");
  free(rest);
}

}  // namespace virtshim
