// One call of a callback on its way to another thread: all that its arguments point to, in one piece of memory.
#pragma once

#include "addon/callback_values.h"

namespace virtshim::addon {

class CallbackMessage {
 public:
  // Copies the arguments and takes a reference to each object. nullptr where there is no memory. `request` is 0 where
  // nobody waits for an answer.
  static CallbackMessage *copy(uint64_t registration, uint64_t request, const CallbackValue *values, int count);

  // Tells that libvirt has let go of a registration.
  static CallbackMessage *farewell(uint64_t registration);

  // Frees the message, and gives back the objects unless they have been handed on.
  static void release(CallbackMessage *message);

  uint64_t registration() const { return registration_; }
  uint64_t request() const { return request_; }
  bool isFarewell() const { return isFarewell_; }
  int count() const { return count_; }
  const CallbackValue &value(int i) const { return values()[i]; }

  // Puts `bits` in the place of the mask.
  void setMask(int bits);

  // The objects belong to somebody else from now on.
  void handOn() { handedOn_ = true; }

 private:
  CallbackMessage(uint64_t registration, uint64_t request, int count)
      : registration_(registration), request_(request), count_(count) {}

  CallbackValue *values() { return reinterpret_cast<CallbackValue *>(this + 1); }
  const CallbackValue *values() const { return reinterpret_cast<const CallbackValue *>(this + 1); }

  uint64_t registration_, request_;
  int count_;
  bool isFarewell_ = false;
  bool handedOn_ = false;
};

}  // namespace virtshim::addon
