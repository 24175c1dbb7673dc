#include "call/recorder.h"

#include "audit/trail.h"
#include "call/actor.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/identity.h"

namespace virtshim {
namespace {

using audit::Event;

audit::Subject subject(uint32_t uid) {
  const Identity &self = identity();
  return {self.pid, currentTid(), uid, self.auid, self.ses, self.comm, self.exe, self.terminal, self.subj};
}

audit::Connection connectionOf(LiveCallFacts *facts) {
  policy::MaybeString uri = facts->connectionUri();
  policy::Tri readOnly = facts->connectionReadOnly();
  return {uri.known, readOnly != policy::Tri::Unknown, readOnly == policy::Tri::Yes, uri.value,
          facts->connectionDriver().value};
}

audit::Resource resourceOf(LiveCallFacts *facts) {
  return {facts->resourceKind(), facts->resourceOwnName(), facts->resourceUuid().value, facts->resourceParent()};
}

audit::Verdict verdictOf(const Verdict &verdict) {
  if (!verdict.denied) return audit::Verdict::Permitted;
  return verdict.enforced ? audit::Verdict::Denied : audit::Verdict::WouldDeny;
}

Event eventOf(const RecordedCall &call, audit::Phase phase) {
  Event event = {};
  event.rid = call.rid;
  event.phase = phase;
  event.verdict = verdictOf(*call.verdict);
  event.function = call.function;
  event.nested = call.nested;
  event.rule = call.verdict->rule;
  event.reason = call.verdict->reason;
  event.policy = call.verdict->digest;
  event.subject = subject(call.facts->uid());
  event.asserted = currentActor();
  event.connection = connectionOf(call.facts);
  event.resource = resourceOf(call.facts);
  event.args = call.args;
  event.realtimeNs = call.at.realtimeNs;
  event.monotonicNs = call.at.monotonicNs;
  return event;
}

}  // namespace

bool recordMethodCall(const RecordedCall &call) {
  Event event = eventOf(call, audit::Phase::Call);
  return audit::Trail::append(event) == audit::AppendResult::Ok;
}

void recordMethodResponse(const RecordedCall &call, const Outcome &outcome) {
  Event event = eventOf(call, audit::Phase::Response);
  event.forwarded = outcome.forwarded;
  event.success = outcome.success;
  event.result = outcome.result;
  event.durationNs = outcome.durationNs;
  event.error = outcome.error;
  audit::Trail::append(event);
}

void recordNotice(const char *kind, const char *text) {
  Event event = {};
  event.rid = newRecordId();
  event.phase = audit::Phase::Notice;
  event.function = kNoFunction;
  event.notice = kind;
  event.reason = text;
  event.subject = subject(currentUid());
  event.realtimeNs = realtimeNs();
  audit::Trail::append(event);
}

}  // namespace virtshim
