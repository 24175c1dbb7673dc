#include "policy/rule_match.h"

#include "policy/conditions.h"

namespace virtshim::policy {

using namespace image;

Match matchRule(const View &view, const Candidate &candidate, Effect effect, const Request &request) {
  Match match = Match::Yes;
  conditionsHold(view, candidate, request, [&](const Condition &condition, Tri answer) {
    if (answer == Tri::Yes || (answer == Tri::Unknown && effect == Effect::Deny)) return true;
    match = condition.kind == ConditionKind::Reason ? Match::WithReason : Match::No;
    return false;
  });
  return match;
}

}  // namespace virtshim::policy
