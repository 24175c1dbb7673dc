#include "addon/callback_registry.h"

#include <algorithm>

namespace virtshim::addon {

namespace {

struct Registration {
  CallbackType type;
  int variant;
  std::shared_ptr<CallbackMailbox> mailbox;
  bool posted = false;
  int mask = 0;
};

// Never destroyed: libvirt's threads may still call while the process ends.
struct Registry {
  std::mutex mutex;
  uint64_t lastNumber = 0;
  std::unordered_map<uint64_t, Registration> registrations;
  int uses[kCallbackTypeCount][kCallbackVariants] = {};
};
Registry &registry = *new Registry;

int *usesOf(CallbackType type) { return registry.uses[static_cast<int>(type)]; }

int leastUsedVariant(CallbackType type) {
  int *uses = usesOf(type);
  return static_cast<int>(std::min_element(uses, uses + kCallbackVariants) - uses);
}

Registration *find(uint64_t number) {
  const auto found = registry.registrations.find(number);
  return found == registry.registrations.end() ? nullptr : &found->second;
}

}  // namespace

NewRegistration registerCallback(CallbackType type, std::shared_ptr<CallbackMailbox> mailbox) {
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const int variant = leastUsedVariant(type);
  ++usesOf(type)[variant];
  registry.registrations[++registry.lastNumber] = {type, variant, std::move(mailbox)};
  return {registry.lastNumber, variant};
}

std::shared_ptr<CallbackMailbox> mailboxOf(uint64_t registration) {
  const std::lock_guard<std::mutex> lock(registry.mutex);
  const Registration *found = find(registration);
  return found == nullptr ? nullptr : found->mailbox;
}

std::shared_ptr<CallbackMailbox> unregisterCallback(uint64_t registration) {
  const std::lock_guard<std::mutex> lock(registry.mutex);
  Registration *found = find(registration);
  if (found == nullptr) return nullptr;
  std::shared_ptr<CallbackMailbox> mailbox = std::move(found->mailbox);
  --usesOf(found->type)[found->variant];
  registry.registrations.erase(registration);
  return mailbox;
}

void unregisterAll(const CallbackMailbox *mailbox) {
  const std::lock_guard<std::mutex> lock(registry.mutex);
  for (auto at = registry.registrations.begin(); at != registry.registrations.end();) {
    const Registration &registration = at->second;
    if (registration.mailbox.get() != mailbox) {
      ++at;
      continue;
    }
    --usesOf(registration.type)[registration.variant];
    at = registry.registrations.erase(at);
  }
}

Latest noteLatest(uint64_t registration, int bits, std::shared_ptr<CallbackMailbox> *mailbox) {
  const std::lock_guard<std::mutex> lock(registry.mutex);
  Registration *found = find(registration);
  if (found == nullptr) return Latest::Gone;
  found->mask |= bits;
  if (found->posted) return Latest::AlreadyPosted;
  found->posted = true;
  *mailbox = found->mailbox;
  return Latest::Post;
}

int takeLatest(uint64_t registration) {
  const std::lock_guard<std::mutex> lock(registry.mutex);
  Registration *found = find(registration);
  if (found == nullptr) return 0;
  const int mask = found->mask;
  found->mask = 0;
  found->posted = false;
  return mask;
}

}  // namespace virtshim::addon
