// UUIDs as libvirt writes and reads them.
#pragma once

#include <cstdint>
#include <string_view>

namespace virtshim {

constexpr int kUuidBytes = 16;
constexpr int kUuidStringLength = 36;

// Writes the 16 bytes in lower case with hyphens, and a NUL: kUuidStringLength + 1 bytes. libvirt's own formatter goes
// through printf and costs more than the rest of a record.
void formatUuid(const uint8_t *bytes, char *out);

// Reads a UUID as liberally as libvirt's own parser does (hyphens and blanks may stand anywhere) and writes it as
// formatUuid does. False where it is none; `out` is then untouched.
bool parseUuid(std::string_view text, char *out);

}  // namespace virtshim
