// The strings of a call, kept from the program's hands while the call is judged, recorded and forwarded.
#pragma once

#include "api/facts.h"

namespace virtshim {

// Whether an argument is of the kind that is kept.
bool isHeld(const ArgFacts &arg);

// Lives on the caller's stack, as long as the call. Short strings stay there, too.
class HeldStrings {
 public:
  HeldStrings() {}  // leaves the room for short strings as it is
  ~HeldStrings();
  HeldStrings(const HeldStrings &) = delete;
  HeldStrings &operator=(const HeldStrings &) = delete;

  // Puts copies in the place of the strings and uuids among `args`: another thread that rewrites the program's own
  // changes nothing any more. False where memory ran out.
  bool hold(const FunctionFacts &function, ArgSlot *args);

 private:
  char small_[240];
  char *block_ = nullptr;
};

}  // namespace virtshim
