#include "call/pipeline.h"

#include <cerrno>
#include <cstdio>

#include "audit/trail.h"
#include "call/connections.h"
#include "call/interest.h"
#include "call/policy_set.h"
#include "libvirt/errors.h"
#include "libvirt/loaded_objects.h"
#include "libvirt/objects.h"
#include "libvirt/real.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/errno_guard.h"

namespace virtshim {
namespace {

constexpr int kMaxNameInMessage = 255;
constexpr int64_t kDerivedNs = 1000000000;

audit::ErrorInfo errorInfo() {
  const VirError *error = lastError();
  if (!error) return {};
  return {true, error->code, error->domain, error->message ? error->message : ""};
}

// "virDomainDestroy on domain 'test'"
int describeCall(const FunctionFacts &function, LiveCallFacts *facts, char *out, size_t size) {
  std::string_view name = facts->resourceOwnName();
  if (name.empty()) return snprintf(out, size, "%s", function.name);
  int length = name.size() < kMaxNameInMessage ? static_cast<int>(name.size()) : kMaxNameInMessage;
  return snprintf(out, size, "%s on %s '%.*s'", function.name,
                  kObjectKindNames[static_cast<int>(facts->resourceKind())], length, name.data());
}

}  // namespace

bool isJudgedByResult(const FunctionFacts &function) {
  return isOpen(function) || (function.callClass == CallClass::Lookup && function.returnsObject != ObjectKind::None);
}

bool permitsPlainly(FunctionId id, const ArgSlot *args, const void *caller) {
  ErrnoGuard guard;
  if (takeUpNewPolicy()) return false;
  const uint8_t interest = interestOf(id);
  if (!(interest & (kJudge | kJudgeNested))) return interest & kPrepared;
  if (isLibvirtCode(caller)) return !(interest & kJudgeNested);
  LiveCallFacts facts(id, args);
  // A call that a limit concerns is counted on the long way, and only there.
  facts.leaveUncounted();
  return permits({id, args, &facts, false}) && !facts.limitAsked();
}

Call::Call(FunctionId id, ArgSlot *args, const void *caller)
    : function_(facts(id)), id_(id), args_(args), caller_(caller), errno_(errno), facts_(id, args) {}

bool Call::before() {
  prolog();
  bool forward = real_ ? filter() : missing();
  startNs_ = interest_ & kRecord ? monotonicNs() : 0;
  errno = errno_;
  return forward;
}

bool Call::after(ArgSlot result) {
  errno_ = errno;
  bool keep = interest_ == kPrepared || audit(result);
  errno = errno_;
  return keep;
}

void Call::prolog() {
  takeUpNewPolicy();
  interest_ = interestOf(id_) & ~kPlain;
  if (!(interest_ & kPrepared)) interest_ = prepareFunction(id_) & ~kPlain;
  real_ = resolveReal(id_);
  if (interest_ == kPrepared || !real_) return;
  nested_ = isLibvirtCode(caller_);
  // libvirt's own calls are part of the program's call that led to them; only an explicit denial stops them.
  if (!nested_) return;
  interest_ &= kPrepared | kJudgeNested;
  facts_.leaveUncounted();
}

bool Call::missing() {
  char text[160];
  snprintf(text, sizeof text, "this function is not supported by the connection driver: %s", function_.name);
  raiseError(facts_.liveConnection(), kVirFromNone, kVirErrNoSupport, function_.name, text);
  return false;
}

bool Call::filter() {
  if (interest_ == kPrepared) return true;
  if (!held_.hold(function_, args_)) {
    denyFor(&verdict_, "out of memory");
    return refuse();
  }
  judgeCall();
  if (verdict_.enforced) return refuse();
  if (verdict_.denied) interest_ |= kRecord;
  // Looked up now: the call may free the object or close the connection.
  if (interest_ & (kRecord | kConnection)) facts_.gather();
  return !(interest_ & kRecord) || recordAttempt();
}

// A refusal for want of facts is put off where the call's result will tell them.
void Call::judgeCall() {
  bool asked = interest_ & (nested_ ? kJudgeNested : kJudge);
  if (!asked || refusesAll()) return leaveUnjudged(&verdict_);
  judge(request(), &verdict_);
  const char *unknown = isOpen(function_) ? refusedUnknownFunction() : nullptr;
  if (unknown) denyFor(&verdict_, "the installed libvirt has functions that are not interposed, such as %s", unknown);
  deferred_ = !nested_ && !unknown && isJudgedByResult(function_) && (isOpen(function_) || facts_.missedFacts()) &&
              (!verdict_.enforced || facts_.missedFacts());
  if (deferred_ && facts_.missedFacts()) leaveUnjudged(&verdict_);
}

bool Call::recordAttempt() {
  rid_ = newRecordId();
  if (!(interest_ & kRecordCall)) return true;
  asked_ = currentMoment();
  if (records_.appendCall(recorded(), asked_) || !refuseUnrecorded()) return true;
  denyFor(&verdict_, "it cannot be recorded: %s", audit::Trail::lastFailure());
  return refuse();
}

// Always false, for the callers' convenience.
bool Call::refuse() {
  if (!rid_) rid_ = newRecordId();
  records_.forget();
  records_.appendResponse(recorded(), {}, currentMoment());
  char call[kMaxNameInMessage + 128], message[sizeof call + kReasonSize + 64];
  describeCall(function_, &facts_, call, sizeof call);
  char record[17];
  snprintf(record, sizeof record, "%016llx", static_cast<unsigned long long>(rid_));
  snprintf(message, sizeof message, "access denied: %s: %s (record %s)", call, verdict_.reason, record);
  const char *rule = *verdict_.rule ? verdict_.rule : nullptr;
  raiseError(facts_.liveConnection(), kVirFromAccess, kVirErrAccessDenied, function_.name, message, rule, record);
  return false;
}

bool Call::audit(ArgSlot result) {
  const int64_t endNs = startNs_ ? monotonicNs() : 0;
  bool success = succeeded(result);
  audit::ErrorInfo error = success || !(interest_ & kRecord) ? audit::ErrorInfo{} : errorInfo();
  void *object = const_cast<void *>(result.p);
  if (success && interest_ & kConnection) settleConnection(result);
  if (success && function_.returnsObject != ObjectKind::None && !judgeResult(object)) return false;
  if (!(interest_ & kRecord) && !verdict_.denied) return true;
  if (!rid_) rid_ = newRecordId();
  records_.appendResponse(recorded(), {true, success, result, endNs - startNs_, error}, momentOf(endNs));
  return true;
}

// Keeps what is known of the connection in step with the program's opens and closes.
void Call::settleConnection(ArgSlot result) {
  if (isOpen(function_)) return rememberConnection(const_cast<void *>(result.p), opensReadOnly(id_, args_));
  if (result.i == 0) forgetConnection(const_cast<void *>(args_[0].p), facts_.connection());
}

// The object that came back is the resource from here on. False where the policy hides it after all.
bool Call::judgeResult(void *object) {
  if (!deferred_ && !(interest_ & kRecord)) return true;
  facts_.learnFromResult(object);
  records_.forget();
  if (!deferred_) return true;
  judge(request(), &verdict_);
  if (!verdict_.enforced) return true;
  facts_.gather();
  hideResult(object);
  return refuse();
}

void Call::hideResult(void *object) {
  if (isOpen(function_)) forgetConnection(object, facts_.connection());
  releaseObject(function_.returnsObject, object);
}

bool Call::succeeded(ArgSlot result) const {
  switch (function_.failure) {
    case Failure::None: return true;
    case Failure::Negative: return result.i >= 0;
    case Failure::MinusOne: return function_.returns == ReturnType::UInt ? result.u != UINT32_MAX : result.i != -1;
    case Failure::Zero: return result.u != 0;
    case Failure::Null: return result.p != nullptr;
  }
  return true;
}

policy::Request Call::request() { return {id_, args_, &facts_, nested_}; }

// The wall time of a short call's end follows from that of its methodcall, as long as the two clocks go alike; that
// spares a reading. Where someone sets the wall clock in between, both records stand by the old one.
Moment Call::momentOf(int64_t monotonicNs) const {
  const int64_t sinceAsked = monotonicNs - asked_.monotonicNs;
  if (!asked_.monotonicNs || sinceAsked > kDerivedNs) return currentMoment();
  return {asked_.realtimeNs + sinceAsked, monotonicNs};
}

RecordedCall Call::recorded() { return {rid_, id_, args_, nested_, &verdict_, &facts_}; }

}  // namespace virtshim
