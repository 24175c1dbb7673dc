// Paths of the host, in the forms that rules are asked about.
#pragma once

#include <string_view>

#include "xml/value_list.h"

namespace virtshim::xml {

// Writes the path without `.`, doubled slashes and what `..` takes back to `out`, which has room for path.size() + 2
// bytes; returns its size. A relative path counts from `/`, where the emulator is started.
size_t simplifyPath(std::string_view path, char *out);

// Adds the simplest form; where the path is relative or has `..`, which a link on the way can lead elsewhere, also the
// path as it is. False where memory ran out.
bool addPath(std::string_view path, ValueList *values);

}  // namespace virtshim::xml
