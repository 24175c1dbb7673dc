// The one evaluator.
#include "policy/candidates.h"
#include "policy/checks.h"
#include "policy/policy.h"
#include "policy/rule_match.h"

namespace virtshim::policy {

namespace {

using namespace image;

constexpr Decision kPermitted = {Effect::Allow, Basis::Default, kNoRule, kNoPermission, false, kNoRule};

uint16_t firstPermission(const FunctionFacts &function, uint16_t checks) {
  for (int i = 0; i < function.checkCount; ++i) {
    if (checks >> i & 1) return function.checks[i].permission;
  }
  return kNoPermission;
}

}  // namespace

[[gnu::flatten]] Decision Policy::decide(const Request &request) const {
  // What libvirt does inside an operation that was permitted is not judged again, but an operation that is denied
  // by name stays denied however it is reached.
  if (request.nested && !mayRefuse(request.function, true)) return kPermitted;
  const uint16_t active = activeChecks(facts(request.function), request.args);
  Decision decision = decideDeny(request, active);
  if (decision.effect == Effect::Deny || request.nested) return decision;
  decideAllow(request, active, &decision);
  return decision;
}

Decision Policy::decideDeny(const Request &request, uint16_t active) const {
  Decision decision = kPermitted;
  const uint32_t index = view_.functions[static_cast<uint16_t>(request.function)].denyGroup;
  if (index == kNone) return decision;
  Candidates candidates(view_, view_.groups[index], request);
  while (const Candidate *candidate = candidates.next()) {
    if ((candidate->checks & active) == 0) continue;
    if (matchRule(view_, *candidate, Effect::Deny, request) != Match::Yes) continue;
    if (view_.rules[candidate->rule].permissive != 0) {
      if (decision.wouldDeny == kNoRule) decision.wouldDeny = candidate->rule;
      continue;
    }
    decision.effect = Effect::Deny;
    decision.basis = Basis::Rule;
    decision.rule = candidate->rule;
    break;
  }
  return decision;
}

void Policy::decideAllow(const Request &request, uint16_t active, Decision *decision) const {
  const image::Function &function = view_.functions[static_cast<uint16_t>(request.function)];
  uint16_t uncovered = active;
  uint16_t forReason = 0;  // the checks that rules would cover, had the caller given a reason
  uint32_t first = kNoRule;
  if (function.allowGroup != kNone) {
    Candidates candidates(view_, view_.groups[function.allowGroup], request);
    while (const Candidate *candidate = candidates.next()) {
      if ((candidate->checks & uncovered) == 0) continue;
      const Match match = matchRule(view_, *candidate, Effect::Allow, request);
      if (match == Match::WithReason) forReason |= candidate->checks;
      if (match != Match::Yes) continue;
      if (first == kNoRule) first = candidate->rule;
      uncovered &= static_cast<uint16_t>(~candidate->checks);
      if (uncovered != 0) continue;
      decision->basis = Basis::Rule;
      decision->rule = first;
      return;
    }
  }
  const uint16_t refused = uncovered & function.defaultDeny;
  if (refused == 0) return;
  decision->effect = Effect::Deny;
  decision->permission = firstPermission(facts(request.function), refused);
  decision->reasonMissing = (refused & forReason) != 0;
}

}  // namespace virtshim::policy
