// Who makes the call, as the rules ask: each fact is read when it is first asked for and holds for the call, so that
// all rules judge the same one; the next call reads it anew, because a process can change it.
#pragma once

#include "call/owned_text.h"
#include "policy/policy.h"
#include "sys/identity.h"

namespace virtshim {

class CallerFacts {
 public:
  CallerFacts() {}  // leaves the texts as they are

  policy::MaybeId auid();
  policy::MaybeString executable();
  policy::MaybeString command();
  policy::MaybeString terminal();
  policy::MaybeString label();

 private:
  enum class State : uint8_t { Unasked, Unknown, Known };

  // Whether the fact is known; `read` says so where nobody asked yet.
  template <typename Read>
  static bool once(State *state, Read read) {
    if (*state == State::Unasked) *state = read() ? State::Known : State::Unknown;
    return *state == State::Known;
  }

  State auidState_ = State::Unasked;
  State commandState_ = State::Unasked;
  State terminalState_ = State::Unasked;
  State labelState_ = State::Unasked;
  uint32_t auid_;
  char command_[kCommandSize];
  char terminal_[kTerminalSize];
  OwnedText label_;
};

}  // namespace virtshim
