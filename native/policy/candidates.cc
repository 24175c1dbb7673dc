#include "policy/candidates.h"

#include "policy/kinds.h"

namespace virtshim::policy {

using namespace image;

Candidates::Candidates(const View &view, const Group &group, CallFacts *facts)
    : view_(view), group_(group), facts_(facts) {
  add(group.root);
  if (group.flags & kGroupUids) addUid();
  const bool byName = group.prefixLengths != 0 || (group.flags & kGroupExactNames) != 0;
  const bool nameKnown = !byName || addNames();
  const bool uuidKnown = !(group.flags & kGroupUuids) || addUuid();
  if (!nameKnown || !uuidKnown) addAll();
}

const Candidate *Candidates::next() {
  if (count_ == 0) return nullptr;
  int best = 0;
  for (int i = 1; i < count_; ++i) {
    if (lists_[i]->rule < lists_[best]->rule) best = i;
  }
  const Candidate *taken = lists_[best];
  if (taken->last) {
    lists_[best] = lists_[--count_];
  } else {
    ++lists_[best];
  }
  return taken;
}

void Candidates::add(uint32_t first) {
  if (first != kNone) lists_[count_++] = view_.candidates + first;
}

void Candidates::addIndexed(uint64_t hash) {
  const uint32_t tag = static_cast<uint32_t>(hash >> 32);
  const Slot *slots = view_.slots + group_.slots;
  // A table that a hostile image filled to the last slot must not make this spin.
  for (uint32_t probe = 0; probe <= group_.slotMask; ++probe) {
    const Slot &slot = slots[(static_cast<uint32_t>(hash) + probe) & group_.slotMask];
    if (slot.first == kNone) return;
    if (slot.tag == tag) return add(slot.first);
  }
}

void Candidates::addUid() { addIndexed(hashUid(facts_->uid())); }

// False where the resource has a name that is not known.
bool Candidates::addNames() {
  if (!hasName(judgedKind(facts_->resourceKind()))) return true;
  const MaybeString name = facts_->resourceName();
  if (name.known) addKnownName(name.value);
  return name.known;
}

// False where the resource has a uuid that is not known.
bool Candidates::addUuid() {
  if (!hasUuid(facts_->resourceKind())) return true;
  const MaybeString uuid = facts_->resourceUuid();
  if (uuid.known) addIndexed(hashUuid(uuid.value.data(), uuid.value.size()));
  return uuid.known;
}

// Any resource is possible: every deny rule is a candidate, and no allow rule that an index could have led to.
void Candidates::addAll() {
  if (group_.all == kNone) return;
  count_ = 0;
  add(group_.all);
}

void Candidates::addKnownName(std::string_view name) {
  uint64_t hash = kHashStart;
  const size_t indexed = name.size() < kMaxPrefix ? name.size() : kMaxPrefix;
  for (size_t i = 0; i < indexed; ++i) {
    hash = hashByte(hash, static_cast<uint8_t>(name[i]));
    if (group_.prefixLengths >> i & 1) addIndexed(hash);
  }
  if ((group_.flags & kGroupExactNames) && indexed == name.size()) addIndexed(hashWhole(hash));
}

}  // namespace virtshim::policy
