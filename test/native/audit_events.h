// Events for the tests of records: calls on a guest with a name of one's choice.
#pragma once

#include <cstring>
#include <string>

#include "audit/event.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/identity.h"

namespace virtshim::test {

inline audit::Subject currentSubject() {
  const Identity &who = identity();
  audit::Subject subject{};
  subject.pid = who.pid;
  subject.tid = currentTid();
  subject.uid = currentUid();
  subject.auid = who.auid;
  subject.ses = who.ses;
  subject.comm = who.comm;
  subject.exe = who.exe;
  subject.terminal = who.terminal;
  subject.subj = who.subj;
  return subject;
}

// A call of a function on the guest `name`; `args` must hold what the function takes.
inline audit::Event domainEvent(const char *function, audit::Phase phase, std::string_view name, const ArgSlot *args) {
  audit::Event event{};
  event.rid = newRecordId();
  event.phase = phase;
  event.verdict = audit::Verdict::Permitted;
  event.function = findFunction(function);
  event.success = true;
  event.reason = "default of set control";
  event.policy = "0123456789abcdef";
  event.subject = currentSubject();
  event.connection = {true, true, false, "test:///default", "test"};
  event.resource = {ObjectKind::Domain, name, "6695eb01-f6a4-8304-79aa-97f2502e193f", ""};
  event.args = args;
  event.forwarded = phase == audit::Phase::Response;
  event.realtimeNs = realtimeNs();
  event.durationNs = 1234;
  return event;
}

}  // namespace virtshim::test
