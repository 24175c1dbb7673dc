#include "call/recorder.h"

#include <new>

#include "audit/subject.h"
#include "audit/trail.h"
#include "call/actor.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/identity.h"

namespace virtshim {
namespace {

using audit::Event;

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

}  // namespace

void CallRecords::know(const RecordedCall &call) {
  Event &event = *new (&event_) Event{};
  event.rid = call.rid;
  event.verdict = verdictOf(*call.verdict);
  event.function = call.function;
  event.nested = call.nested;
  event.rule = call.verdict->rule;
  event.reason = call.verdict->reason;
  event.policy = call.verdict->digest;
  event.subject = audit::subjectOf(call.facts->uid());
  event.asserted = currentActor();
  event.connection = connectionOf(call.facts);
  event.resource = resourceOf(call.facts);
  event.args = call.args;
  known_ = true;
}

bool CallRecords::appendCall(const RecordedCall &call, const Moment &at) {
  know(call);
  event_.phase = audit::Phase::Call;
  event_.realtimeNs = at.realtimeNs;
  event_.monotonicNs = at.monotonicNs;
  return audit::Trail::append(event_) == audit::AppendResult::Ok;
}

void CallRecords::appendResponse(const RecordedCall &call, const Outcome &outcome, const Moment &at) {
  const bool continues = known_;
  if (!known_) know(call);
  event_.phase = audit::Phase::Response;
  event_.continues = continues;
  event_.realtimeNs = at.realtimeNs;
  event_.monotonicNs = at.monotonicNs;
  event_.forwarded = outcome.forwarded;
  event_.success = outcome.success;
  event_.result = outcome.result;
  event_.durationNs = outcome.durationNs;
  event_.error = outcome.error;
  audit::Trail::append(event_);
}

void recordNotice(const char *kind, const char *text, const char *policy) {
  Event event = {};
  event.rid = newRecordId();
  event.phase = audit::Phase::Notice;
  event.function = kNoFunction;
  event.notice = kind;
  event.reason = text;
  event.policy = policy;
  event.subject = audit::subjectOf(currentUid());
  event.realtimeNs = realtimeNs();
  audit::Trail::append(event);
}

}  // namespace virtshim
