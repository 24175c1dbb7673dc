#include "xml/path.h"

#include <cstdlib>
#include <cstring>

namespace virtshim::xml {
namespace {

// Takes the next part of the path off it.
std::string_view nextPart(std::string_view *path) {
  const size_t end = path->find('/');
  const std::string_view part = path->substr(0, end);
  path->remove_prefix(end == std::string_view::npos ? path->size() : end + 1);
  return part;
}

bool climbs(std::string_view path) {
  while (!path.empty()) {
    if (nextPart(&path) == "..") return true;
  }
  return false;
}

}  // namespace

size_t simplifyPath(std::string_view path, char *out) {
  size_t size = 0;
  while (!path.empty()) {
    const std::string_view part = nextPart(&path);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      while (size > 0 && out[--size] != '/') continue;
      continue;
    }
    out[size++] = '/';
    memcpy(out + size, part.data(), part.size());
    size += part.size();
  }
  if (size == 0) out[size++] = '/';
  return size;
}

bool addPath(std::string_view path, ValueList *values) {
  if (path.empty()) return values->addText(path);
  if ((path[0] != '/' || climbs(path)) && !values->addText(path)) return false;
  char *simple = static_cast<char *>(malloc(path.size() + 2));
  if (!simple) return false;
  const bool added = values->addText({simple, simplifyPath(path, simple)});
  free(simple);
  return added;
}

}  // namespace virtshim::xml
