// Checks the records of a trail, block by block: the chain, calls against their outcomes, chain values against the
// audit text that repeats them. For tools, not for wrapped programs: it allocates what it has to remember.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "audit/chain.h"

namespace virtshim::audit {

// What audit text says about records, by record id: 17 bytes a place, at most two thirds of the places taken.
class AuditTexts {
 public:
  enum Answer { Unknown, Same, Different };

  // `ours`: the record is certainly one of this trail.
  void add(uint64_t rid, uint64_t chain, bool ours);

  // Compares, and remembers that the trail has the record.
  Answer compare(uint64_t rid, uint64_t chain);

  // Whether it is a record of this trail that was not compared; true once for each.
  bool takeMissing(uint64_t rid);

  // How many of those there are.
  size_t missing() const { return ours_ - found_; }

 private:
  struct Place {
    uint64_t rid, chain;
  };
  enum : uint8_t { kTaken = 1, kOurs = 2, kFound = 4, kContradicted = 8 };

  size_t placeOf(uint64_t rid) const;
  void grow();

  std::vector<Place> places_;
  std::vector<uint8_t> marks_;
  size_t taken_ = 0, ours_ = 0, found_ = 0;
};

// What a line of audit text says about a record. False where it says nothing.
struct TextFacts {
  uint64_t rid, chain;
  std::string_view trail;  // the trail's id, "" where it has none
};
bool readText(std::string_view line, TextFacts *out);

struct OpenCall {
  uint64_t sequence, pid;
  uint32_t file, line;
  std::string function;
};

struct RecordPlace {
  uint64_t rid, sequence;
  uint32_t file, line;
};

class TrailCheck {
 public:
  // `ids` are the trail's ids in audit text.
  explicit TrailCheck(std::vector<std::string> ids) : ids_(std::move(ids)) {}

  // Takes in whole lines of audit text. `own`: of the trail's own audit.log.
  void addTexts(std::string_view lines, bool own);

  // Goes over whole lines as long as each is a record that follows from the one before, and none that needs a closer
  // look, since it says what was removed. Returns how many bytes it went over.
  size_t follow(std::string_view lines);

  // Takes one record in, whether it follows or not.
  void note(std::string_view line, const RootFacts &facts);

  void beginFile() { file_++, line_ = 0; }
  void passLine() { line_++; }
  uint32_t line() const { return line_; }

  struct End {
    uint64_t sequence = 0;
    uint8_t chain[kSha256Size] = {};
  };
  End end;  // of the chain so far

  AuditTexts texts;
  std::unordered_map<uint64_t, OpenCall> calls;  // by record id: without an outcome so far
  uint64_t records = 0, anchored = 0;
  // Records that the audit text remembers otherwise: the first ones, and how many they are.
  std::vector<RecordPlace> rewritten;
  uint64_t rewrittenCount = 0;
  // Responses between the first and the last one with an audit text that have none.
  uint64_t unanchored = 0;
  RecordPlace firstUnanchored{};

 private:
  void pair(std::string_view line, const RootFacts &facts);
  void compare(const RootFacts &facts);
  RecordPlace placeOf(const RootFacts &facts) const { return {facts.rid, facts.line.sequence, file_, line_ + 1}; }
  bool accept(std::string_view line);

  std::vector<std::string> ids_;
  uint32_t file_ = 0, line_ = 0;
  uint64_t waiting_ = 0;  // responses without an audit text since the last one that has one
  RecordPlace firstWaiting_{};
};

}  // namespace virtshim::audit
