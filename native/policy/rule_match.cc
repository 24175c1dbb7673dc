#include "policy/rule_match.h"

#include "policy/argument_match.h"
#include "policy/glob_match.h"
#include "policy/kinds.h"

namespace virtshim::policy {

namespace {

using namespace image;

Tri toTri(bool yes) { return yes ? Tri::Yes : Tri::No; }

bool contains(const uint32_t *ids, Range range, uint32_t wanted) {
  uint32_t low = range.first;
  uint32_t high = range.first + range.count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (ids[middle] == wanted) return true;
    if (ids[middle] < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

// Where a glob over this fact led to the candidate, only that one is tried: a rule may have a thousand of them.
Tri anyGlob(const View &view, const Candidate &candidate, Fact fact, Range globs, MaybeString text) {
  if (!text.known) return Tri::Unknown;
  if (candidate.glob != kNone && candidate.fact == fact) return toTri(globMatches(view, candidate.glob, text.value));
  for (uint32_t i = 0; i < globs.count; ++i) {
    if (globMatches(view, view.globRefs[globs.first + i], text.value)) return Tri::Yes;
  }
  return Tri::No;
}

Tri inAnyGroup(const View &view, Range gids, CallFacts *facts) {
  for (uint32_t i = 0; i < gids.count; ++i) {
    if (facts->inGroup(view.ids[gids.first + i])) return Tri::Yes;
  }
  return Tri::No;
}

Tri matchesReadOnly(ReadOnly wanted, Tri readOnly) {
  if (readOnly == Tri::Unknown) return Tri::Unknown;
  return toTri((readOnly == Tri::Yes) == (wanted == ReadOnly::Only));
}

Tri matchesName(const View &view, const Candidate &candidate, Range names, CallFacts *facts) {
  if (!hasName(judgedKind(facts->resourceKind()))) return Tri::No;
  return anyGlob(view, candidate, Fact::Name, names, facts->resourceName());
}

Tri matchesUuid(const View &view, const Candidate &candidate, Range uuids, CallFacts *facts) {
  if (!hasUuid(facts->resourceKind())) return Tri::No;
  return anyGlob(view, candidate, Fact::Uuid, uuids, facts->resourceUuid());
}

Tri matchesDriver(const View &view, const Candidate &candidate, Range drivers, CallFacts *facts) {
  return anyGlob(view, candidate, Fact::Driver, drivers, facts->connectionDriver());
}

Tri matchesUri(const View &view, const Candidate &candidate, Range uris, CallFacts *facts) {
  return anyGlob(view, candidate, Fact::Uri, uris, facts->connectionUri());
}

bool matchesKind(uint32_t kinds, ObjectKind kind) { return (kinds >> static_cast<uint8_t>(judgedKind(kind)) & 1) != 0; }

}  // namespace

// Cheapest facts first: most rules that do not match then cost no look-up.
bool ruleMatches(const View &view, const Candidate &candidate, Effect effect, const Request &request) {
  const Rule &rule = view.rules[candidate.rule];
  CallFacts *facts = request.facts;
  const auto holds = [effect](Tri tri) { return tri == Tri::Yes || (tri == Tri::Unknown && effect == Effect::Deny); };
  if (rule.kinds != 0 && !matchesKind(rule.kinds, facts->resourceKind())) return false;
  if (!argumentsMatch(view, rule.arguments, request)) return false;
  if (rule.uids.count != 0 && !contains(view.ids, rule.uids, facts->uid())) return false;
  if (rule.names.count != 0 && !holds(matchesName(view, candidate, rule.names, facts))) return false;
  if (rule.uuids.count != 0 && !holds(matchesUuid(view, candidate, rule.uuids, facts))) return false;
  const ReadOnly readOnly = static_cast<ReadOnly>(rule.readOnly);
  if (readOnly != ReadOnly::Any && !holds(matchesReadOnly(readOnly, facts->connectionReadOnly()))) return false;
  if (rule.drivers.count != 0 && !holds(matchesDriver(view, candidate, rule.drivers, facts))) return false;
  if (rule.uris.count != 0 && !holds(matchesUri(view, candidate, rule.uris, facts))) return false;
  return rule.gids.count == 0 || holds(inAnyGroup(view, rule.gids, facts));
}

}  // namespace virtshim::policy
