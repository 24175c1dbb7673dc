// The one evaluator.
#include "policy/candidates.h"
#include "policy/checks.h"
#include "policy/policy.h"
#include "policy/rule_match.h"

namespace virtshim::policy {

namespace {

using namespace image;

constexpr Decision kPermitted = {Effect::Allow, Basis::Default, kNoRule, kNoPermission};

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
  const Decision denied = decideDeny(request, active);
  if (denied.effect == Effect::Deny || request.nested) return denied;
  return decideAllow(request, active);
}

Decision Policy::decideDeny(const Request &request, uint16_t active) const {
  const uint32_t index = view_.functions[static_cast<uint16_t>(request.function)].denyGroup;
  if (index == kNone) return kPermitted;
  Candidates candidates(view_, view_.groups[index], request);
  while (const Candidate *candidate = candidates.next()) {
    if ((candidate->checks & active) == 0) continue;
    if (!ruleMatches(view_, *candidate, Effect::Deny, request)) continue;
    return {Effect::Deny, Basis::Rule, candidate->rule, kNoPermission};
  }
  return kPermitted;
}

Decision Policy::decideAllow(const Request &request, uint16_t active) const {
  const image::Function &function = view_.functions[static_cast<uint16_t>(request.function)];
  uint16_t uncovered = active;
  uint32_t first = kNoRule;
  if (function.allowGroup != kNone) {
    Candidates candidates(view_, view_.groups[function.allowGroup], request);
    while (const Candidate *candidate = candidates.next()) {
      if ((candidate->checks & uncovered) == 0) continue;
      if (!ruleMatches(view_, *candidate, Effect::Allow, request)) continue;
      if (first == kNoRule) first = candidate->rule;
      uncovered &= static_cast<uint16_t>(~candidate->checks);
      if (uncovered == 0) return {Effect::Allow, Basis::Rule, first, kNoPermission};
    }
  }
  const uint16_t refused = uncovered & function.defaultDeny;
  if (refused == 0) return kPermitted;
  return {Effect::Deny, Basis::Default, kNoRule, firstPermission(facts(request.function), refused)};
}

}  // namespace virtshim::policy
