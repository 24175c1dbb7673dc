#include "policy/candidates.h"

#include "policy/argument_match.h"
#include "policy/kinds.h"

namespace virtshim::policy {

namespace {

using namespace image;

enum class State : uint8_t {
  Absent,   // no condition on the fact can hold
  Unknown,  // each may hold
  Known,
  Several,  // `text` is one of its values
};

struct KeyText {
  State state;
  std::string_view text;
};

KeyText keyText(MaybeString fact) { return {fact.known ? State::Known : State::Unknown, fact.value}; }

KeyText monitorKey(const MonitorCommands &commands) {
  if (!commands.known) return {State::Unknown, {}};
  if (commands.count == 0) return {State::Absent, {}};
  return {commands.count == 1 ? State::Known : State::Several, commands.names[0]};
}

KeyText askFact(const Key &key, const Request &request, char (&scratch)[kArgumentScratch]) {
  CallFacts *facts = request.facts;
  constexpr KeyText kAbsent = {State::Absent, {}};
  switch (key.fact) {
    case Fact::Uid: return {State::Known, bytesOf(facts->uid(), scratch)};
    case Fact::Name: return hasName(judgedKind(facts->resourceKind())) ? keyText(facts->resourceName()) : kAbsent;
    case Fact::Uuid: return hasUuid(facts->resourceKind()) ? keyText(facts->resourceUuid()) : kAbsent;
    case Fact::Driver: return keyText(facts->connectionDriver());
    case Fact::Uri: return keyText(facts->connectionUri());
    case Fact::Auid: {
      const MaybeId auid = facts->auid();
      return auid.known ? KeyText{State::Known, bytesOf(auid.value, scratch)} : KeyText{State::Unknown, {}};
    }
    case Fact::Executable: return keyText(facts->executable());
    case Fact::Command: return keyText(facts->command());
    case Fact::Terminal: return keyText(facts->terminal());
    case Fact::Label: return keyText(facts->label());
    case Fact::Actor: return keyText(facts->actor());
    case Fact::Transport: return keyText(facts->connectionTransport());
    case Fact::Host: return keyText(facts->connectionHost());
    case Fact::Monitor: return monitorKey(facts->monitorCommands());
    case Fact::Argument: break;
  }
  const MaybeString argument = argumentKey(key.argument, request, scratch);
  return argument.known ? keyText(argument) : kAbsent;
}

}  // namespace

Candidates::Candidates(const View &view, const Group &group, const Request &request)
    : view_(view), group_(group), request_(request) {
  add(group.root);
}

// A key is opened when the turn of its first rule comes, so that no fact is asked where an earlier rule decides: one
// that turns out to be unknown makes the pipeline put off a refusal until the call's result tells it. Where the other
// conditions of the key's rules fail, a refusal may still be put off that none of them has a part in. That is right:
// what refused it does not hang on the unknown fact and refuses the result as well.
[[gnu::flatten]] const Candidate *Candidates::next() {
  int first = firstList();
  while (nextKey_ < group_.keys.count) {
    const uint32_t turn = view_.keys[group_.keys.first + nextKey_].firstRule;
    if (first >= 0 && view_.candidates[lists_[first]].rule < turn) break;
    addKey(nextKey_++);
    first = firstList();
  }
  if (first < 0) return nullptr;
  const Candidate &taken = view_.candidates[lists_[first]];
  if (taken.last) {
    lists_[first] = lists_[--count_];
  } else {
    ++lists_[first];
  }
  return &taken;
}

int Candidates::firstList() const {
  int best = count_ - 1;
  for (int i = 0; i < count_ - 1; ++i) {
    if (view_.candidates[lists_[i]].rule < view_.candidates[lists_[best]].rule) best = i;
  }
  return best;
}

void Candidates::add(uint32_t first) {
  if (first != kNone) lists_[count_++] = first;
}

void Candidates::addKey(uint32_t position) {
  const Key &key = view_.keys[group_.keys.first + position];
  char scratch[kArgumentScratch];
  const KeyText fact = askFact(key, request_, scratch);
  // Of several values any may lead to a deny rule; an allow rule has to be led to by each.
  const bool any = fact.state == State::Several && key.unknown != kNone;
  if (fact.state == State::Unknown || any) add(key.unknown);
  if (fact.state == State::Known || (fact.state == State::Several && !any)) addText(key, hashKey(position), fact.text);
}

void Candidates::addText(const Key &key, uint64_t hash, std::string_view text) {
  const size_t size = text.size() < kMaxLiteral ? text.size() : kMaxLiteral;
  if (size == 0) return;
  const uint64_t ofSize = uint64_t{1} << (size - 1);
  const bool whole = text.size() == size && (key.wholes & ofSize) != 0;
  addSuffixes(key.suffixes & (ofSize | (ofSize - 1)), hashSuffixStart(hash), text);
  const uint64_t lengths = key.prefixes & (ofSize | (ofSize - 1));
  size_t i = 0;
  for (; i < size && lengths >> i != 0; ++i) {
    hash = hashByte(hash, static_cast<uint8_t>(text[i]));
    if (lengths >> i & 1) addIndexed(hash);
  }
  if (!whole) return;
  for (; i < size; ++i) hash = hashByte(hash, static_cast<uint8_t>(text[i]));
  addIndexed(hashWhole(hash));
}

// INVARIANT: the text is as long as the highest of the lengths.
void Candidates::addSuffixes(uint64_t lengths, uint64_t hash, std::string_view text) {
  for (const char *end = text.data() + text.size(); lengths != 0; lengths >>= 1) {
    hash = hashByte(hash, static_cast<uint8_t>(*--end));
    if (lengths & 1) addIndexed(hash);
  }
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

}  // namespace virtshim::policy
