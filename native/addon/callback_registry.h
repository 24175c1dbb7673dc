// Who listens, for the whole process. What libvirt keeps as `opaque` is the number of a registration, not an address:
// it may come back at any time, from any thread, as often as it likes.
#pragma once

#include <memory>

#include "addon/callback_mailbox.h"
#include "generated/callbacks.h"

namespace virtshim::addon {

struct NewRegistration {
  uint64_t number;
  int variant;  // of the C function
};

NewRegistration registerCallback(CallbackType type, std::shared_ptr<CallbackMailbox> mailbox);

// Where its messages go; nullptr where there is no such registration any more.
std::shared_ptr<CallbackMailbox> mailboxOf(uint64_t registration);

// Ends a registration; nullptr where it had ended before.
std::shared_ptr<CallbackMailbox> unregisterCallback(uint64_t registration);

// Ends all registrations of an environment.
void unregisterAll(const CallbackMailbox *mailbox);

// What may be done about a call that says the same as the last one.
enum class Latest : uint8_t { Gone, Post, AlreadyPosted };

// Adds `bits` to the mask of the message that is on its way, if one is. With Post, one has to be posted now.
Latest noteLatest(uint64_t registration, int bits, std::shared_ptr<CallbackMailbox> *mailbox);

// The message has arrived: its mask. The next call needs a message of its own.
int takeLatest(uint64_t registration);

}  // namespace virtshim::addon
