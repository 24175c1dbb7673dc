#include "call/policies.h"

#include <cstdarg>
#include <cstdio>

#include "call/interest.h"
#include "call/policy_set.h"
#include "libvirt/unknown_functions.h"

namespace virtshim {
namespace {

using policy::AuditLevel;
using policy::Effect;
using policy::Mode;

uint8_t levelBits(AuditLevel level) {
  if (level == AuditLevel::RequestResponse) return kRecord | kRecordCall;
  return level == AuditLevel::Response ? kRecord : 0;
}

// Without a policy, and under one that cannot be read.
uint8_t defaultRecords(const FunctionFacts &function) {
  if (function.stateChanging) return kRecord | kRecordCall;
  return function.callClass == CallClass::Connection ? kRecord : 0;
}

bool tracksConnection(FunctionId id) { return isOpen(facts(id)) || id == FunctionId::virConnectClose; }

uint8_t interestUnder(const ActivePolicy &entry, FunctionId id) {
  bool helper = facts(id).callClass == CallClass::Helper;
  if (entry.mode == Mode::Disabled) return 0;
  if (!entry.usable) {
    if (helper) return 0;
    return defaultRecords(facts(id)) | (entry.mode == Mode::Enforcing ? kRecord : 0);
  }
  uint8_t bits = helper ? 0 : levelBits(entry.policy.auditLevel(id));
  if (entry.policy.mayRefuse(id, false)) bits |= kJudge;
  if (facts(id).stateChanging && entry.policy.mayRefuse(id, true)) bits |= kJudgeNested;
  return bits;
}

void explainDenial(const ActivePolicy &entry, const policy::Decision &decision, Verdict *out) {
  const char *name = entry.policy.name();
  if (decision.reasonMissing) {
    snprintf(out->reason, kReasonSize,
             "policy '%s' allows it only with a reason: give one by `virtshim run --reason TEXT`, the variable "
             "VIRTSHIM_REASON or withReason()",
             name);
    return;
  }
  if (*out->rule)
    snprintf(out->reason, kReasonSize, "rule '%s' of policy '%s'", out->rule, name);
  else if (decision.permission != kNoPermission)
    snprintf(out->reason, kReasonSize, "no rule of policy '%s' allows %s", name, kPermissionNames[decision.permission]);
  else
    snprintf(out->reason, kReasonSize, "no rule of policy '%s' allows it", name);
}

void explainDecision(const ActivePolicy &entry, const policy::Decision &decision, Verdict *out) {
  out->digest = entry.digest;
  out->rule = decision.basis == policy::Basis::Rule ? entry.policy.ruleId(decision.rule) : "";
  if (decision.effect == Effect::Deny) explainDenial(entry, decision, out);
}

// The call is permitted, but for a rule that refuses nothing yet.
void explainPermissive(const ActivePolicy &entry, uint32_t rule, Verdict *out) {
  out->denied = true;
  out->digest = entry.digest;
  out->rule = entry.policy.ruleId(rule);
  snprintf(out->reason, kReasonSize, "permissive rule '%s' of policy '%s'", out->rule, entry.policy.name());
}

void clear(Verdict *verdict) {
  verdict->denied = verdict->enforced = false;
  verdict->rule = verdict->digest = "";
  verdict->reason[0] = 0;
}

// True where the verdict is final.
bool judgeUnder(const ActivePolicy &entry, const policy::Request &request, Verdict *out) {
  if (!entry.usable || entry.mode == Mode::Disabled) return false;
  policy::Decision decision = entry.policy.decide(request);
  bool denies = decision.effect == Effect::Deny;
  bool enforced = denies && entry.mode == Mode::Enforcing;
  if (enforced || !out->denied) explainDecision(entry, decision, out);
  if (!denies && !out->denied && decision.wouldDeny != policy::kNoRule)
    explainPermissive(entry, decision.wouldDeny, out);
  out->denied = out->denied || denies;
  out->enforced = enforced;
  return enforced;
}

}  // namespace

void denyFor(Verdict *verdict, const char *format, ...) {
  verdict->denied = verdict->enforced = true;
  verdict->rule = "";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(verdict->reason, kReasonSize, format, arguments);
  va_end(arguments);
}

uint8_t interestUnderPolicies(FunctionId id) {
  uint8_t bits = 0;
  for (const ActivePolicy *entry : policiesInForce()) bits |= interestUnder(*entry, id);
  if (policiesInForce().count == 0 && modeWithoutPolicy() != Mode::Disabled) bits = defaultRecords(facts(id));
  if (tracksConnection(id)) {
    if (isOpen(facts(id)) && refusedUnknownFunction()) bits |= kJudge;
    bits |= kConnection;
  }
  return bits;
}

void judge(const policy::Request &request, Verdict *out) {
  clear(out);
  for (const ActivePolicy *entry : policiesInForce()) {
    if (judgeUnder(*entry, request, out)) break;
  }
}

bool permits(const policy::Request &request) {
  for (const ActivePolicy *entry : policiesInForce()) {
    if (entry->mode == Mode::Disabled) continue;
    if (!entry->usable) return false;
    const policy::Decision decision = entry->policy.decide(request);
    if (decision.effect == Effect::Deny || decision.wouldDeny != policy::kNoRule) return false;
  }
  return true;
}

void leaveUnjudged(Verdict *out) {
  clear(out);
  for (const ActivePolicy *entry : policiesInForce()) {
    if (entry->usable && entry->mode != Mode::Disabled) out->digest = entry->digest;
    if (entry->usable || entry->mode != Mode::Enforcing) continue;
    return denyFor(out, "%s", entry->why);
  }
}

bool refusesAll() {
  for (const ActivePolicy *entry : policiesInForce()) {
    if (!entry->usable && entry->mode == Mode::Enforcing) return true;
  }
  return false;
}

bool refuseUnrecorded() {
  for (const ActivePolicy *entry : policiesInForce()) {
    if (!entry->usable || entry->mode != Mode::Enforcing) continue;
    if (entry->policy.onAuditFailure() == policy::OnAuditFailure::Deny) return true;
  }
  return false;
}

const char *refusedUnknownFunction() {
  for (const ActivePolicy *entry : policiesInForce()) {
    if (entry->usable && entry->mode == Mode::Enforcing && entry->policy.unknownApi() == Mode::Enforcing)
      return firstUnknownFunction();
  }
  return nullptr;
}

}  // namespace virtshim
