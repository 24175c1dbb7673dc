// The hash chain of trail.xml, as docs/records.md defines it.
#pragma once

#include <cstdint>
#include <string_view>

#include "sys/sha256.h"

namespace virtshim::audit {

constexpr size_t kChainDigits = 2 * kSha256Size;

// SHA-256 over the previous record's chain value (32 zero bytes before the first) and the line without its line end,
// in which the 64 digits at `chainAt` must be zeros.
void chainValue(const uint8_t previous[kSha256Size], std::string_view line, uint8_t out[kSha256Size]);

struct LineFacts {
  uint64_t sequence;
  uint8_t chain[kSha256Size];
  size_t chainAt;
};

// Reads sequence number and chain value from a record's root tag. False where the line is no record.
bool readLine(std::string_view line, LineFacts *out);

// True where the line's chain value follows from `previous`.
bool followsFrom(const uint8_t previous[kSha256Size], std::string_view line, const LineFacts &facts);

}  // namespace virtshim::audit
