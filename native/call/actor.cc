#include "call/actor.h"

#include <pthread.h>

#include <cstring>

#include "audit/encode.h"
#include "call/settings.h"
#include "sys/errno_guard.h"
#include "sys/pages.h"

namespace virtshim {
namespace {

constexpr std::string_view kCut = "...";

// One text with room for the mark of a cut one.
template <size_t kLimit>
class Copy {
 public:
  std::string_view view() const { return {bytes_, size_}; }

  void assign(const char *text) {
    size_ = 0;
    if (!text) return;
    size_t length = strnlen(text, kLimit + 1);
    std::string_view kept = audit::cutUtf8({text, length}, kLimit);
    memcpy(bytes_, text, kept.size());
    if (length > kLimit) memcpy(bytes_ + kept.size(), kCut.data(), kCut.size());
    size_ = kept.size() + (length > kLimit ? kCut.size() : 0);
  }

 private:
  size_t size_ = 0;
  char bytes_[kLimit + kCut.size()];
};

struct Actor {
  Copy<audit::kMaxActor> user;
  Copy<audit::kMaxVia> via;
  Copy<audit::kMaxReason> reason;
};

Actor ofProcess;
pthread_once_t readOnce = PTHREAD_ONCE_INIT;

thread_local Actor *ofThread = nullptr;
pthread_key_t threadKey;
pthread_once_t keyOnce = PTHREAD_ONCE_INIT;
bool keyMade = false;

void readSettings() {
  ofProcess.user.assign(setting("VIRTSHIM_ACTOR"));
  ofProcess.reason.assign(setting("VIRTSHIM_REASON"));
}

void freeActor(void *actor) {
  ofThread = nullptr;
  deleteOnPages(static_cast<Actor *>(actor));
}

void makeKey() { keyMade = pthread_key_create(&threadKey, freeActor) == 0; }

Actor *makeActor() {
  pthread_once(&keyOnce, makeKey);
  auto *actor = newOnPages<Actor>();
  if (actor && keyMade) pthread_setspecific(threadKey, actor);
  return ofThread = actor;
}

std::string_view either(std::string_view first, std::string_view second) { return first.empty() ? second : first; }

}  // namespace

audit::Asserted currentActor() {
  pthread_once(&readOnce, readSettings);
  const Actor *own = ofThread;
  if (!own) return {ofProcess.user.view(), {}, ofProcess.reason.view()};
  return {either(own->user.view(), ofProcess.user.view()), own->via.view(),
          either(own->reason.view(), ofProcess.reason.view())};
}

}  // namespace virtshim

void virtshim_set_actor(const char *user, const char *via, const char *reason) {
  using namespace virtshim;
  if (!ofThread && !user && !via && !reason) return;
  ErrnoGuard guard;
  Actor *actor = ofThread ? ofThread : makeActor();
  if (!actor) return;
  actor->user.assign(user);
  actor->via.assign(via);
  actor->reason.assign(reason);
}
