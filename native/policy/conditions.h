// The conditions of a rule, one after the other. ruleMatches() and explain() go through them here, so that there is one
// answer to what holds and in which order it is asked: the cheapest facts first, because most rules that do not match
// then cost no look-up; what counts calls last.
#pragma once

#include "policy/argument_match.h"
#include "policy/glob_match.h"
#include "policy/kinds.h"
#include "policy/policy.h"

namespace virtshim::policy {

inline Tri toTri(bool yes) { return yes ? Tri::Yes : Tri::No; }

inline Tri negate(Tri tri) {
  if (tri == Tri::Unknown) return tri;
  return tri == Tri::Yes ? Tri::No : Tri::Yes;
}

// Whether an ascending range of ids has it.
bool containsId(const image::View &view, image::Range ids, uint32_t wanted);

// A condition of the rule's list, negation included.
Tri evaluateCondition(const image::View &view, const image::Condition &condition, const Request &request);

// The same, but where a glob over the very fact led to the candidate only that one is tried.
Tri evaluateFor(const image::View &view, const image::Candidate &candidate, const image::Condition &condition,
                const Request &request);

// The text that a condition of this kind is about; unknown for kinds that are about something else.
MaybeString textOf(image::ConditionKind kind, CallFacts *facts);

inline bool matchesKind(uint32_t kinds, ObjectKind kind) {
  return (kinds >> static_cast<uint8_t>(judgedKind(kind)) & 1) != 0;
}

inline Tri matchesReadOnly(image::ReadOnly wanted, Tri readOnly) {
  if (readOnly == Tri::Unknown || wanted == image::ReadOnly::Any) return Tri::Unknown;
  return toTri((readOnly == Tri::Yes) == (wanted == image::ReadOnly::Only));
}

inline Tri anyGlob(const image::View &view, image::Range globs, MaybeString text) {
  if (!text.known) return Tri::Unknown;
  for (uint32_t i = 0; i < globs.count; ++i) {
    if (globMatches(view, view.globRefs[globs.first + i], text.value)) return Tri::Yes;
  }
  return Tri::No;
}

inline Tri inAnyGroup(const image::View &view, image::Range gids, CallFacts *facts) {
  for (uint32_t i = 0; i < gids.count; ++i) {
    if (facts->inGroup(view.ids[gids.first + i])) return Tri::Yes;
  }
  return Tri::No;
}

// Asks `holds(condition, answer)` about every condition until it says false; returns its last word. Where a glob over a
// fact led to the candidate, only that one is tried: a rule may have a thousand of them.
template <typename Holds>
inline bool conditionsHold(const image::View &view, const image::Candidate &candidate, const Request &request,
                           Holds holds) {
  using image::ConditionKind;
  const image::Rule &rule = view.rules[candidate.rule];
  CallFacts *facts = request.facts;
  const auto glob = [&](image::Fact fact, image::Range globs, MaybeString text) {
    if (candidate.glob == image::kNone || candidate.fact != fact || !text.known) return anyGlob(view, globs, text);
    return toTri(globMatches(view, candidate.glob, text.value));
  };
  const auto about = [](ConditionKind kind, image::Range range) {
    return image::Condition{kind, 0, 0, range.first, range.count};
  };
  if (rule.kinds != 0 &&
      !holds(about(ConditionKind::Kinds, {rule.kinds, 0}), toTri(matchesKind(rule.kinds, facts->resourceKind())))) {
    return false;
  }
  for (uint32_t i = 0; i < rule.arguments.count; ++i) {
    const uint32_t index = rule.arguments.first + i;
    const Tri answer = toTri(argumentMatches(view, view.arguments[index], request));
    if (!holds(about(ConditionKind::Argument, {index, 1}), answer)) return false;
  }
  if (rule.uids.count != 0 &&
      !holds(about(ConditionKind::Uids, rule.uids), toTri(containsId(view, rule.uids, facts->uid())))) {
    return false;
  }
  if (rule.names.count != 0) {
    const bool named = hasName(judgedKind(facts->resourceKind()));
    const Tri answer = named ? glob(image::Fact::Name, rule.names, facts->resourceName()) : Tri::No;
    if (!holds(about(ConditionKind::Names, rule.names), answer)) return false;
  }
  if (rule.uuids.count != 0) {
    const bool has = hasUuid(facts->resourceKind());
    const Tri answer = has ? glob(image::Fact::Uuid, rule.uuids, facts->resourceUuid()) : Tri::No;
    if (!holds(about(ConditionKind::Uuids, rule.uuids), answer)) return false;
  }
  const image::ReadOnly readOnly = static_cast<image::ReadOnly>(rule.readOnly);
  if (readOnly != image::ReadOnly::Any && !holds(about(ConditionKind::ReadOnly, {rule.readOnly, 0}),
                                                 matchesReadOnly(readOnly, facts->connectionReadOnly()))) {
    return false;
  }
  if (rule.drivers.count != 0) {
    const Tri answer = glob(image::Fact::Driver, rule.drivers, facts->connectionDriver());
    if (!holds(about(ConditionKind::Drivers, rule.drivers), answer)) return false;
  }
  if (rule.uris.count != 0) {
    const Tri answer = glob(image::Fact::Uri, rule.uris, facts->connectionUri());
    if (!holds(about(ConditionKind::Uris, rule.uris), answer)) return false;
  }
  if (rule.gids.count != 0 && !holds(about(ConditionKind::Gids, rule.gids), inAnyGroup(view, rule.gids, facts))) {
    return false;
  }
  for (uint32_t i = 0; i < rule.conditions.count; ++i) {
    const image::Condition &condition = view.conditions[rule.conditions.first + i];
    if (!holds(condition, evaluateFor(view, candidate, condition, request))) return false;
  }
  return true;
}

}  // namespace virtshim::policy
