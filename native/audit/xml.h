// Event -> one line of trail.xml.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "audit/buffer.h"
#include "audit/event.h"
#include "audit/redact.h"
#include "sys/sha256.h"

namespace virtshim::audit {

// A line whose sequence number and chain value are filled in under the trail's lock.
struct XmlLine {
  size_t bodyAt;           // offset of what follows the head
  size_t sequenceEnd;      // offset of what follows the sequence number
  size_t chainAt;          // offset of the 64 digits of the chain value
  Sha256 body;             // hash of the body, as chain.h has it,
  size_t hashed;           // up to this offset
  std::string_view start;  // `<methodcall rid="0123456789abcdef" seq="`
  char startBytes[64];
};

// A finished piece of a line with the values that it was made from, and the hash of the body up to its end. What stands
// before the piece is one of its values, by its version.
class KeptPiece {
 public:
  bool madeFrom(std::initializer_list<std::string_view> values) const;
  std::string_view text() const { return bytes_.view(valuesSize_); }
  const Sha256 &hash() const { return hash_; }
  uint64_t version() const { return version_; }

  // Version 0 means that nothing is kept.
  void keep(std::initializer_list<std::string_view> values, std::string_view text, const Sha256 &hash,
            uint64_t version);

 private:
  Buffer bytes_;  // the values, each behind its length, and the text
  size_t valuesSize_ = 0;
  Sha256 hash_;
  uint64_t version_ = 0;
};

constexpr unsigned kKeptWhats = 4;

// The methodcall that was written last: its line up to the end of <param> is the beginning of its methodresponse.
struct LastCall {
  uint64_t rid = 0;  // 0 where it cannot be continued
  size_t chainAt, end;
  Sha256 hash;
  size_t hashed;
};

// What a thread's records have in common, in finished form: a program mostly says the same about itself, and makes few
// different calls.
struct LineCache {
  KeptPiece tag[1];            // the root's attributes from the pid on
  KeptPiece what[kKeptWhats];  // behind it: <event> to <resource>; with <param> where that has the resource alone
  LastCall call;
  unsigned nextWhat = 0;
  uint64_t versions = 0;
  int64_t second = -1;
  char date[20];  // "2026-11-23T05:30:01."
};

// Writes the line (with its newline) into `out`, which holds the line that was written last with this cache. Returns
// false where memory ran out.
bool writeXmlLine(const Event &event, Redactor *redactor, LineCache *cache, Buffer *out, XmlLine *line);

// Completes the head with the sequence number. Returns the line inside `out`, without its chain value yet.
std::string_view placeSequence(Buffer *out, const XmlLine &line, uint64_t sequence);

// Which longest part of an argument stands in a record; beyond it, the size and the SHA-256 of the whole do.
constexpr size_t kMaxArgumentBytes = 256 * 1024;

}  // namespace virtshim::audit
