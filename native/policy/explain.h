// Why a call is decided as it is: every rule that covers something the call needs, and the first of its conditions that
// failed. For tools: it looks at all rules, whether or not the index leads to them.
#pragma once

#include "policy/policy.h"

namespace virtshim::policy {

struct ExplainedRule {
  uint32_t rule;
  Effect effect;
  uint16_t checks;          // those of the call's checks that it covers
  bool holds;               // all its conditions do, as far as its effect wants it
  image::Condition failed;  // the first that does not
  Tri answer;               // No, or Unknown
};

class Explanations {
 public:
  virtual void add(const ExplainedRule &rule) = 0;

 protected:
  ~Explanations() = default;
};

// Calls `out` in file order. `coverage` is scratch space for policy.ruleCount() masks.
void explain(const Policy &policy, const Request &request, uint16_t *coverage, Explanations *out);

}  // namespace virtshim::policy
