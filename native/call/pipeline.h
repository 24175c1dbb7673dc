// The pipeline that every call goes through which a rule or a record concerns. Five stages:
//
//   prolog    find the real function and say whether libvirt calls itself
//   filter    decide; record what was asked; refuse with a libvirt error
//   callorig  the wrapper forwards exactly the arguments that were judged
//   audit     record the outcome
//   epilog    leave errno and libvirt's last error as the real call left them
#pragma once

#include <cstdint>

#include "api/facts.h"
#include "call/call_facts.h"
#include "call/held_strings.h"
#include "call/policies.h"
#include "call/recorder.h"

namespace virtshim {

// Calls without side effects beyond the object they return: where the policy asks for facts that only the result has,
// they are judged by it. What was opened is always judged again, because the URI that libvirt made of the name counts.
bool isJudgedByResult(const FunctionFacts &function);

// The short way for calls of kPlain functions, most of all queries: true where the call is to be forwarded without more
// ado. Where the policies have anything against it, the call goes the long way. Keeps errno.
bool permitsPlainly(FunctionId id, const ArgSlot *args, const void *caller);

// One call on its way. Lives on the caller's stack; allocates only for names longer than its buffers.
class Call {
 public:
  // `args` may be changed by before(): what they are then is to be forwarded.
  Call(FunctionId id, ArgSlot *args, const void *caller);
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  // Prolog and filter. False: the call was refused, the error is set, return the failure value.
  bool before();

  // The function to forward to; valid after before() returned true.
  void *real() const { return real_; }

  // Audit and epilog. False: the result was refused after the fact (a look-up whose object the policy hides); it has
  // been released, return the failure value.
  bool after(ArgSlot result);

 private:
  void prolog();
  bool filter();
  bool audit(ArgSlot result);

  bool missing();
  void judgeCall();
  bool recordAttempt();
  bool refuse();
  void settleConnection(ArgSlot result);
  bool judgeResult(void *object);
  void hideResult(void *object);
  bool succeeded(ArgSlot result) const;
  policy::Request request();
  Moment momentOf(int64_t monotonicNs) const;
  RecordedCall recorded();

  const FunctionFacts &function_;
  const FunctionId id_;
  ArgSlot *args_;
  const void *caller_;
  void *real_ = nullptr;
  Moment asked_{};  // time of the methodcall
  int64_t startNs_ = 0;
  uint64_t rid_ = 0;
  int errno_;
  uint8_t interest_ = 0;
  bool nested_ = false;
  bool deferred_ = false;  // judged by what the call returns
  Verdict verdict_;
  LiveCallFacts facts_;
  HeldStrings held_;
  CallRecords records_;
};

}  // namespace virtshim
