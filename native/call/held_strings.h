// The strings and typed parameters of a call, kept from the program's hands while the call is judged, recorded and
// forwarded.
#pragma once

#include "api/typed_parameter.h"

namespace virtshim {

// Whether an argument is of the kind that is kept.
bool isHeld(const ArgFacts &arg);

// Lives on the caller's stack, as long as the call. Short strings and lists stay there, too.
class HeldStrings {
 public:
  HeldStrings() {}  // leaves the room for short ones as it is
  ~HeldStrings();
  HeldStrings(const HeldStrings &) = delete;
  HeldStrings &operator=(const HeldStrings &) = delete;

  // Puts copies in the place of the strings, uuids and typed parameters among `args`: another thread that rewrites the
  // program's own changes nothing any more. False where memory ran out.
  bool hold(const FunctionFacts &function, ArgSlot *args);

 private:
  bool holdParameters(const FunctionFacts &function, ArgSlot *args);
  bool holdTexts(const FunctionFacts &function, ArgSlot *args);
  template <typename Visit>
  void eachText(const FunctionFacts &function, ArgSlot *args, Visit visit);

  char small_[240];
  TypedParameter few_[8];
  char *block_ = nullptr;
  TypedParameter *parameters_ = nullptr;
  int parameterCount_ = 0;
};

}  // namespace virtshim
