// The candidates of one call, in file order, found without looking at rules that cannot match.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

// Merges the few lists of a group that concern a call. INVARIANT: each list is sorted by rule, and the keys by their
// first rules; where a hostile image breaks it, the order of the candidates suffers and nothing else.
class Candidates {
 public:
  Candidates(const image::View &view, const image::Group &group, const Request &request);

  // The next candidate, or nullptr. A rule comes more than once where several of its literals lead to it.
  const image::Candidate *next();

 private:
  void add(uint32_t first);
  void addKey(uint32_t position);
  void addText(const image::Key &key, uint64_t hash, std::string_view text);
  void addSuffixes(uint64_t lengths, uint64_t hash, std::string_view text);
  void addIndexed(uint64_t hash);
  int firstList() const;

  // For each key a list per length of prefix and of suffix and one for the whole text; and that of the root.
  static constexpr int kMaxLists = image::kMaxKeys * (2 * image::kMaxLiteral + 1) + 1;

  const image::View &view_;
  const image::Group &group_;
  const Request &request_;
  uint32_t nextKey_ = 0;
  int count_ = 0;
  uint32_t lists_[kMaxLists];  // the next candidate of each
};

}  // namespace virtshim::policy
