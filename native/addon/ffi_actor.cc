#include "addon/ffi_actor.h"

#include <atomic>

#include "addon/ffi_library.h"

namespace virtshim::addon {

namespace {

using SetActor = void (*)(const char *user, const char *via, const char *reason);

SetActor findSetActor() {
  static std::atomic<SetActor> cached;
  SetActor found = cached.load(std::memory_order_relaxed);
  if (found) return found;
  found = reinterpret_cast<SetActor>(shimSymbol("virtshim_set_actor"));
  cached.store(found, std::memory_order_relaxed);
  return found;
}

}  // namespace

void applyActor(const Actor *actor) {
  const SetActor set = findSetActor();
  if (!set) return;
  if (actor) {
    set(actor->user.get(), actor->via.get(), actor->reason.get());
  } else {
    set(nullptr, nullptr, nullptr);
  }
}

}  // namespace virtshim::addon
