// Turns a call into events of the trail.
#pragma once

#include <cstdint>
#include <string_view>

#include "audit/event.h"
#include "call/call_facts.h"
#include "call/policies.h"
#include "sys/clock.h"

namespace virtshim {

// What both records of a call have in common. Views live as long as the call.
struct RecordedCall {
  uint64_t rid;
  FunctionId function;
  const ArgSlot *args;
  bool nested;
  const Verdict *verdict;
  LiveCallFacts *facts;
  Moment at;  // when the call was asked for, or how it ended known
};

// Appends the methodcall. False where the trail did not take it.
bool recordMethodCall(const RecordedCall &call);

// How a call ended.
struct Outcome {
  bool forwarded;
  bool success;
  ArgSlot result;
  int64_t durationNs;
  audit::ErrorInfo error;
};

// Appends the methodresponse. A failure is the trail's to count: the call is over.
void recordMethodResponse(const RecordedCall &call, const Outcome &outcome);

// Appends a notice of the shim about itself.
void recordNotice(const char *kind, const char *text);

}  // namespace virtshim
