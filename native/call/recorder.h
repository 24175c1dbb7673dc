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
};

// How a call ended.
struct Outcome {
  bool forwarded;
  bool success;
  ArgSlot result;
  int64_t durationNs;
  audit::ErrorInfo error;
};

// The records of one call. Lives as long as it.
class CallRecords {
 public:
  CallRecords() {}  // leaves the event as it is

  // Appends the methodcall. False where the trail did not take it.
  bool appendCall(const RecordedCall &call, const Moment &at);

  // Appends the methodresponse. A failure is the trail's to count: the call is over.
  void appendResponse(const RecordedCall &call, const Outcome &outcome, const Moment &at);

  // Verdict or facts are others than when the methodcall was appended.
  void forget() { known_ = false; }

 private:
  void know(const RecordedCall &call);

  bool known_ = false;
  union {
    audit::Event event_;  // where known_
  };
};

// Appends a notice of the shim about itself, `policy` being the digest that it is about, or "".
void recordNotice(const char *kind, const char *text, const char *policy);

}  // namespace virtshim
