// Event -> one line of trail.xml.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "audit/buffer.h"
#include "audit/event.h"
#include "audit/redact.h"

namespace virtshim::audit {

// A line with two holes that are filled under the trail's lock: the sequence number and the chain value.
struct XmlLine {
  size_t headroom;        // bytes at the buffer's start that are kept for the root's name, rid and seq
  size_t chainAt;         // offset of the 64 zeros
  std::string_view head;  // `<methodcall rid="0123456789abcdef" seq="`
  char headBytes[64];
};

// A finished piece of XML with the values that it was made from.
class CachedText {
 public:
  // Appends the text to `out` where it was made from these very values.
  bool appendIfMadeFrom(std::initializer_list<std::string_view> values, Buffer *out) const;
  void keep(std::initializer_list<std::string_view> values, std::string_view text);

 private:
  Buffer text_, values_;
};

// What a thread's records have in common, kept in finished form: a program mostly says the same about itself.
struct LineCache {
  CachedText subject;  // ` pid="..." ... policy="..."`
  CachedText what;     // <decision>, <connection>, <resource>
  CachedText param;    // of the methodcall, for its methodresponse
  int64_t second = -1;
  char date[20];  // "2026-11-23T05:30:01."
};

// Writes the line (with its newline) into `out`, which is cleared first. Returns false where memory ran out.
bool writeXmlLine(const Event &event, Redactor *redactor, LineCache *cache, Buffer *out, XmlLine *line);

// Puts the sequence number in. Returns the finished line inside `out`, chain still zeros.
std::string_view placeSequence(Buffer *out, const XmlLine &line, uint64_t sequence);

// Which longest part of an argument stands in a record; beyond it, the size and the SHA-256 of the whole do.
constexpr size_t kMaxArgumentBytes = 256 * 1024;

}  // namespace virtshim::audit
