// Checks the records of a trail, block by block: the chain, calls against their outcomes, chain values against the
// audit text that repeats them. For tools, not for wrapped programs: it allocates what it has to remember.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "audit/chain.h"

namespace virtshim::audit {

// What audit text says about records, by record id: 21 bytes a place, at most two thirds of the places taken.
class AuditTexts {
 public:
  enum Answer { Unknown, Same, Different };

  // `trail`: a digest of what the text calls its trail, 0 where it says nothing. `ours`: it certainly is this one.
  void add(uint64_t rid, uint64_t chain, uint32_t trail, bool ours);

  // What this trail is called. Also learnt from texts that say of a record what the trail says.
  void learn(uint32_t trail) { trails_.insert(trail); }

  // Compares, and remembers that the trail has the record.
  Answer compare(uint64_t rid, uint64_t chain);

  // How many records of this trail were not compared, once all were that there are.
  size_t countMissing();

  // Whether it is one of those, after countMissing(); true once for each.
  bool takeMissing(uint64_t rid);

 private:
  struct Place {
    uint64_t rid, chain;
  };
  enum : uint8_t { kTaken = 1, kOurs = 2, kFound = 4, kSame = 8, kContradicted = 16 };

  size_t placeOf(uint64_t rid) const;
  void grow();

  std::vector<Place> places_;
  std::vector<uint32_t> names_;  // of trails
  std::vector<uint8_t> marks_;
  std::unordered_set<uint32_t> trails_;
  size_t taken_ = 0;
};

// What a line of audit text says about a record. False where it says nothing.
struct TextFacts {
  uint64_t rid, chain;
  uint32_t trail;  // a digest of what its trail is called; 0 where it does not say
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
  // `names` are what the trail is called in audit text, as far as that is known.
  explicit TrailCheck(const std::vector<std::string> &names);

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

  uint32_t file_ = 0, line_ = 0;
  uint64_t waiting_ = 0;  // responses without an audit text since the last one that has one
  RecordPlace firstWaiting_{};
};

}  // namespace virtshim::audit
