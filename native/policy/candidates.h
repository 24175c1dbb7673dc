// The candidates of one call, in file order, found without looking at rules that cannot match.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

// Merges the few lists of a group that concern a call. INVARIANT: each list is sorted by rule.
class Candidates {
 public:
  // Picks the lists for a call: the root list, and those that the hashes of its uid and resource lead to.
  Candidates(const image::View &view, const image::Group &group, CallFacts *facts);

  // The next candidate, or nullptr. A rule comes more than once where several of its names lead to it.
  const image::Candidate *next();

 private:
  void add(uint32_t first);
  void addIndexed(uint64_t hash);
  void addUid();
  bool addNames();
  bool addUuid();
  void addAll();
  void addKnownName(std::string_view name);

  // One list per length of prefix, and those of the root, the whole name, the uuid and the uid.
  static constexpr int kMaxLists = image::kMaxPrefix + 4;

  const image::View &view_;
  const image::Group &group_;
  CallFacts *facts_;
  int count_ = 0;
  const image::Candidate *lists_[kMaxLists];
};

}  // namespace virtshim::policy
