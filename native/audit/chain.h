// The hash chain of trail.xml, as docs/records.md defines it.
#pragma once

#include <cstdint>
#include <string_view>

#include "sys/sha256.h"

namespace virtshim::audit {

constexpr size_t kChainDigits = 2 * kSha256Size;

// A line is hashed in an order that puts what changes from record to record behind what repeats, so that the hash of
// that can be kept: first the line from its ` pid=` to its end, without the 64 digits of the value; then the line's
// head, which is all before; then the previous record's chain value, 32 zero bytes before the first record.
// `body` is the hash of the first of these, but for `rest`, what is left of it.
void chainValue(const Sha256 &body, std::string_view rest, std::string_view head, const uint8_t previous[kSha256Size],
                uint8_t out[kSha256Size]);

struct LineFacts {
  uint64_t sequence;
  uint8_t chain[kSha256Size];
  size_t headSize;
  size_t chainAt;
};

// Reads sequence number and chain value from a record's root tag. False where the line is no record.
bool readLine(std::string_view line, LineFacts *out);

enum class RecordKind { Call, Response, Notice };

struct RootFacts {
  RecordKind kind;
  uint64_t rid;
  uint64_t pid;
  LineFacts line;
};

// The same, but only where the whole root tag is as the writers make it: who reads it elsewhere reads the same.
bool readRoot(std::string_view line, RootFacts *out);

// 16 hex digits. False where they are none.
bool readRecordId(std::string_view digits, uint64_t *out);

// True where the line's chain value follows from `previous`.
bool followsFrom(const uint8_t previous[kSha256Size], std::string_view line, const LineFacts &facts);

}  // namespace virtshim::audit
