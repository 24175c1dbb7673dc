#include "policy/explain.h"

#include <algorithm>

#include "policy/checks.h"
#include "policy/conditions.h"

namespace virtshim::policy {

namespace {

using namespace image;

void addList(const View &view, uint32_t list, uint16_t *coverage) {
  if (list == kNone) return;
  const Candidate *candidate = view.candidates + list;
  for (;; ++candidate) {
    coverage[candidate->rule] |= candidate->checks;
    if (candidate->last) return;
  }
}

// Wherever the index may lead: a rule that it leads nowhere near has failed by the condition that it is filed under.
void addGroup(const View &view, uint32_t index, uint16_t *coverage) {
  if (index == kNone) return;
  const Group &group = view.groups[index];
  addList(view, group.root, coverage);
  if (group.keys.count == 0) return;
  for (uint32_t i = 0; i < group.keys.count; ++i) addList(view, view.keys[group.keys.first + i].unknown, coverage);
  for (uint64_t i = 0; i <= group.slotMask; ++i) addList(view, view.slots[group.slots + i].first, coverage);
}

ExplainedRule explainRule(const View &view, uint32_t rule, uint16_t checks, const Request &request) {
  const Effect effect = static_cast<Effect>(view.rules[rule].effect);
  ExplainedRule explained = {rule, effect, checks, true, {}, Tri::Yes};
  const Candidate candidate = {rule, kNone, checks, 1, Fact::Uid};
  explained.holds = conditionsHold(view, candidate, request, [&](const Condition &condition, Tri answer) {
    if (answer == Tri::Yes || (answer == Tri::Unknown && effect == Effect::Deny)) return true;
    explained.failed = condition;
    explained.answer = answer;
    return false;
  });
  return explained;
}

}  // namespace

void explain(const Policy &policy, const Request &request, uint16_t *coverage, Explanations *out) {
  const View &view = policy.view();
  const image::Function &function = view.functions[static_cast<uint16_t>(request.function)];
  std::fill_n(coverage, policy.ruleCount(), uint16_t{0});
  addGroup(view, function.denyGroup, coverage);
  if (!request.nested) addGroup(view, function.allowGroup, coverage);
  const uint16_t active = activeChecks(facts(request.function), request.args);
  for (uint32_t rule = 0; rule < policy.ruleCount(); ++rule) {
    const uint16_t checks = coverage[rule] & active;
    if (checks != 0) out->add(explainRule(view, rule, checks, request));
  }
}

}  // namespace virtshim::policy
