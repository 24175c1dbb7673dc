#include "addon/callbacks.h"

#include <unistd.h>

#include "addon/callback_registry.h"

namespace virtshim::addon {

namespace {

// libvirt's loop would spin until JavaScript has seen what it tells.
constexpr unsigned kLevelTriggeredPauseMicroseconds = 500;

uint64_t registrationOf(const void *opaque) { return reinterpret_cast<uint64_t>(opaque); }

// False where there is no memory or nobody to send it to.
bool send(const std::shared_ptr<CallbackMailbox> &mailbox, CallbackMessage *message) {
  if (message == nullptr) return false;
  if (mailbox->post(message)) return true;
  CallbackMessage::release(message);
  return false;
}

int maskOf(const CallbackValue *values, int count) {
  for (int i = 0; i < count; ++i) {
    if (values[i].kind == CallbackValue::Kind::Mask) return static_cast<int>(values[i].u);
  }
  return 0;
}

}  // namespace

void post(void *opaque, const CallbackValue *values, int count) {
  const uint64_t registration = registrationOf(opaque);
  const std::shared_ptr<CallbackMailbox> mailbox = mailboxOf(registration);
  if (mailbox != nullptr) send(mailbox, CallbackMessage::copy(registration, 0, values, count));
}

void postLatest(void *opaque, const CallbackValue *values, int count) {
  const uint64_t registration = registrationOf(opaque);
  std::shared_ptr<CallbackMailbox> mailbox;
  const Latest latest = noteLatest(registration, maskOf(values, count), &mailbox);
  if (latest == Latest::Post && !send(mailbox, CallbackMessage::copy(registration, 0, values, count))) {
    takeLatest(registration);  // the next call tries again
  }
  if (latest == Latest::AlreadyPosted) usleep(kLevelTriggeredPauseMicroseconds);
}

void letGo(void *opaque) {
  const uint64_t registration = registrationOf(opaque);
  const std::shared_ptr<CallbackMailbox> mailbox = unregisterCallback(registration);
  if (mailbox != nullptr) send(mailbox, CallbackMessage::farewell(registration));
}

}  // namespace virtshim::addon
