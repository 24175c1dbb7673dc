#include "audit/trail_check.h"

#include <cstring>

namespace virtshim::audit {
namespace {

constexpr size_t kFewest = 1024;
constexpr size_t kMostRewritten = 1000;

// The value of ` name=` up to the next space or quote; "" where there is none.
std::string_view valueOf(std::string_view line, std::string_view name) {
  const size_t at = line.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + name.size());
  return rest.substr(0, rest.find_first_of(" '"));
}

// Of a trail's name, 16 hex digits; 0 where that is none.
uint32_t digestOf(std::string_view name) {
  uint64_t value;
  if (name.size() != 16 || !readRecordId(name, &value)) return 0;
  const uint32_t digest = static_cast<uint32_t>(value ^ value >> 32);
  return digest ? digest : 1;
}

// As a number, the way audit text has it: the first 16 digits.
uint64_t startOf(const uint8_t chain[kSha256Size]) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; i++) value = value << 8 | chain[i];
  return value;
}

// `<event>virDomainSuspend</event>` comes first in a record.
std::string functionOf(std::string_view line) {
  constexpr std::string_view kBegin = "><event>";
  const size_t at = line.find(kBegin);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + kBegin.size());
  return std::string(rest.substr(0, rest.find('<')));
}

// Lines of a block, one after the other.
bool nextLine(std::string_view *lines, std::string_view *line) {
  const size_t end = lines->find('\n');
  if (end == std::string_view::npos) return false;
  *line = lines->substr(0, end);
  lines->remove_prefix(end + 1);
  return true;
}

// A last line that has no end.
bool takeRest(std::string_view *lines, std::string_view *line) {
  *line = *lines;
  *lines = {};
  return !line->empty();
}

bool tellsOfRemoval(std::string_view line, const RootFacts &facts) {
  return facts.kind == RecordKind::Notice &&
         line.substr(0, facts.line.chainAt).find(" kind=\"records-removed\"") != std::string_view::npos;
}

}  // namespace

size_t AuditTexts::placeOf(uint64_t rid) const {
  // Record ids are random: their digits are hash enough.
  size_t at = rid & (places_.size() - 1);
  while ((marks_[at] & kTaken) && places_[at].rid != rid) at = (at + 1) & (places_.size() - 1);
  return at;
}

void AuditTexts::grow() {
  std::vector<Place> places(places_.empty() ? kFewest : 2 * places_.size());
  std::vector<uint32_t> names(places.size());
  std::vector<uint8_t> marks(places.size());
  places.swap(places_);
  names.swap(names_);
  marks.swap(marks_);
  for (size_t i = 0; i < marks.size(); i++) {
    if (!(marks[i] & kTaken)) continue;
    const size_t at = placeOf(places[i].rid);
    places_[at] = places[i];
    names_[at] = names[i];
    marks_[at] = marks[i];
  }
}

void AuditTexts::add(uint64_t rid, uint64_t chain, uint32_t trail, bool ours) {
  if (3 * (taken_ + 1) > 2 * places_.size()) grow();
  const size_t at = placeOf(rid);
  if (!(marks_[at] & kTaken)) {
    places_[at] = {rid, chain};
    names_[at] = trail;
    marks_[at] = kTaken;
    taken_++;
  } else if (places_[at].chain != chain) {
    marks_[at] |= kContradicted;
  }
  if (ours) marks_[at] |= kOurs;
}

AuditTexts::Answer AuditTexts::compare(uint64_t rid, uint64_t chain) {
  if (places_.empty()) return Unknown;
  const size_t at = placeOf(rid);
  if (!(marks_[at] & kTaken)) return Unknown;
  marks_[at] |= kFound;
  if (places_[at].chain != chain || (marks_[at] & kContradicted)) return Different;
  marks_[at] |= kSame;
  return Same;
}

size_t AuditTexts::countMissing() {
  for (size_t i = 0; i < marks_.size(); i++)
    if ((marks_[i] & kSame) && names_[i]) learn(names_[i]);
  size_t count = 0;
  for (size_t i = 0; i < marks_.size(); i++) {
    if (!(marks_[i] & kTaken) || (marks_[i] & kFound)) continue;
    if (trails_.count(names_[i])) marks_[i] |= kOurs;
    count += (marks_[i] & kOurs) != 0;
  }
  return count;
}

bool AuditTexts::takeMissing(uint64_t rid) {
  if (places_.empty()) return false;
  uint8_t &mark = marks_[placeOf(rid)];
  if ((mark & (kOurs | kFound)) != kOurs) return false;
  mark |= kFound;
  return true;
}

bool readText(std::string_view line, TextFacts *out) {
  constexpr std::string_view kRid = " rid=";
  const void *at = memmem(line.data(), line.size(), kRid.data(), kRid.size());
  if (!at) return false;
  // What belongs to it comes after it.
  line.remove_prefix(static_cast<size_t>(static_cast<const char *>(at) - line.data()));
  const std::string_view rid = valueOf(line, kRid), chain = valueOf(line, " chain=");
  out->trail = digestOf(valueOf(line, " trail="));
  return rid.size() == 16 && chain.size() == 16 && readRecordId(rid, &out->rid) && readRecordId(chain, &out->chain);
}

TrailCheck::TrailCheck(const std::vector<std::string> &names) {
  for (const std::string &name : names)
    if (const uint32_t digest = digestOf(name)) texts.learn(digest);
}

void TrailCheck::addTexts(std::string_view lines, bool own) {
  std::string_view line;
  TextFacts facts;
  while (nextLine(&lines, &line) || takeRest(&lines, &line)) {
    if (!readText(line, &facts)) continue;
    // Where the key is gone or another one's, its own log tells what the trail is called.
    if (own && facts.trail) texts.learn(facts.trail);
    texts.add(facts.rid, facts.chain, facts.trail, own);
  }
}

void TrailCheck::pair(std::string_view line, const RootFacts &facts) {
  if (facts.kind == RecordKind::Call)
    calls[facts.rid] = {facts.line.sequence, facts.pid, file_, line_ + 1, functionOf(line.substr(facts.line.chainAt))};
  else if (facts.kind == RecordKind::Response)
    calls.erase(facts.rid);
}

void TrailCheck::compare(const RootFacts &facts) {
  if (facts.kind != RecordKind::Response) return;
  const AuditTexts::Answer answer = texts.compare(facts.rid, startOf(facts.line.chain));
  if (answer == AuditTexts::Unknown) {
    if (anchored > 0 && waiting_++ == 0) firstWaiting_ = placeOf(facts);
    return;
  }
  anchored++;
  if (unanchored == 0 && waiting_ > 0) firstUnanchored = firstWaiting_;
  unanchored += waiting_;
  waiting_ = 0;
  if (answer == AuditTexts::Different && rewrittenCount++ < kMostRewritten) rewritten.push_back(placeOf(facts));
}

void TrailCheck::note(std::string_view line, const RootFacts &facts) {
  records++;
  pair(line, facts);
  compare(facts);
}

bool TrailCheck::accept(std::string_view line) {
  RootFacts facts;
  if (!readRoot(line, &facts) || facts.line.sequence != end.sequence + 1 || tellsOfRemoval(line, facts)) return false;
  if (!followsFrom(end.chain, line, facts.line)) return false;
  note(line, facts);
  end.sequence = facts.line.sequence;
  memcpy(end.chain, facts.line.chain, sizeof end.chain);
  return true;
}

size_t TrailCheck::follow(std::string_view lines) {
  const size_t size = lines.size();
  std::string_view rest = lines, line;
  while (nextLine(&rest, &line)) {
    if (!accept(line)) break;
    line_++;
    lines = rest;
  }
  return size - lines.size();
}

}  // namespace virtshim::audit
