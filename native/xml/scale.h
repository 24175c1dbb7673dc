// Numbers and sizes as libvirt reads them.
#pragma once

#include <cstdint>
#include <string_view>

namespace virtshim::xml {

// A decimal number, blanks around it. False for all else, and for what libvirt itself would wrap around.
bool parseNumber(std::string_view text, int64_t *out);

// A size in bytes: `unit` is b, bytes, KB, KiB, k, ... up to EiB, or empty for `defaultScale` bytes.
bool parseSize(std::string_view text, std::string_view unit, uint64_t defaultScale, uint64_t *out);

// A number of a bus address: decimal, 0x or octal.
bool parseAddressPart(std::string_view text, uint32_t *out);

}  // namespace virtshim::xml
