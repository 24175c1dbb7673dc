// The listeners of one JavaScript environment.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "addon/callback_mailbox.h"
#include "addon/environment.h"

namespace virtshim::addon {

class Listeners final : public EnvironmentPart {
 public:
  static constexpr PartId kPart = PartId::Events;

  // Those of this environment, made at their first use; nullptr with a pending exception where that fails.
  static Listeners *of(napi_env env);

  explicit Listeners(napi_env env) : env_(env) {}

  void close() override;

  const std::shared_ptr<CallbackMailbox> &mailbox() const { return mailbox_; }

  // A listener that keeps Node alive is like a listening socket: the process does not end by itself while it is there.
  void add(uint64_t registration, napi_value listener, bool keepsAlive);
  void remove(uint64_t registration);
  void keepAlive(uint64_t registration, bool keepsAlive);

  // Memory that lives as long as the listener; nullptr where there is none.
  void *memoryOf(uint64_t registration, size_t size);

  // Calls the listener; takes over the message. With `now`, libvirt waits on this very thread.
  void deliver(CallbackMessage *message, bool now);

 private:
  struct Listener {
    napi_ref function;
    bool keepsAlive;
    std::vector<char> memory;
  };

  bool open();
  void call(napi_value listener, CallbackMessage *message, bool now);
  void countLiving(int change);

  const napi_env env_;
  napi_threadsafe_function deliver_ = nullptr;
  std::shared_ptr<CallbackMailbox> mailbox_;
  std::unordered_map<uint64_t, Listener> listeners_;
  int living_ = 0;
};

}  // namespace virtshim::addon
