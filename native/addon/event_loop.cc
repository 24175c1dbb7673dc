#include "addon/event_loop.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

#include "addon/ffi_library.h"

namespace virtshim::addon {

namespace {

// A driver that does not come back must not hold up the end of the process.
constexpr int kPatienceSeconds = 1;
constexpr int kNever = -1;
constexpr int kAtOnce = 0;

using TimeoutCallback = void (*)(int timer, void *opaque);
using FreeCallback = void (*)(void *opaque);

// libvirt's functions, as the shim offers them.
int registerDefaultImpl() {
  return reinterpret_cast<int (*)()>(shimFunction(FunctionId::virEventRegisterDefaultImpl))();
}

int runDefaultImpl() { return reinterpret_cast<int (*)()>(shimFunction(FunctionId::virEventRunDefaultImpl))(); }

int addTimeout(int milliseconds, TimeoutCallback callback) {
  using Add = int (*)(int, TimeoutCallback, void *, FreeCallback);
  return reinterpret_cast<Add>(shimFunction(FunctionId::virEventAddTimeout))(milliseconds, callback, nullptr, nullptr);
}

void updateTimeout(int timer, int milliseconds) {
  using Update = void (*)(int, int);
  reinterpret_cast<Update>(shimFunction(FunctionId::virEventUpdateTimeout))(timer, milliseconds);
}

int removeTimeout(int timer) {
  return reinterpret_cast<int (*)(int)>(shimFunction(FunctionId::virEventRemoveTimeout))(timer);
}

// Never destroyed: its thread may outlive the statics. The mutex is for starting and stopping.
struct Loop {
  std::mutex mutex;
  std::atomic<bool> stopping{false};
  bool registered = false;
  bool running = false;
  pid_t process = 0;
  pthread_t thread = {};
  int waker = -1;  // a timer that never fires by itself
};
Loop &loop = *new Loop;

void wakeUp(int timer, void *) { updateTimeout(timer, kNever); }

void *run(void *) {
  while (!loop.stopping.load(std::memory_order_acquire)) {
    if (runDefaultImpl() < 0) usleep(1000);
  }
  return nullptr;
}

// libvirt keeps the first implementation that is registered, and says nothing to the next ones. Without any it gives
// out no timers.
bool hasForeignImplementation() {
  const int timer = addTimeout(kNever, wakeUp);
  if (timer < 0) return false;
  removeTimeout(timer);
  return true;
}

// Signals are Node's.
bool startThread() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&loop.thread, nullptr, run, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!failed) pthread_setname_np(loop.thread, "virtshim-events");
  return failed == 0;
}

bool startRegistered() {
  loop.stopping.store(false, std::memory_order_release);
  loop.waker = addTimeout(kNever, wakeUp);
  loop.process = getpid();
  loop.running = loop.waker >= 0 && startThread();
  return loop.running;
}

// In a child that was forked there is no such thread.
bool isRunning() { return loop.running && loop.process == getpid(); }

// True where the thread has ended.
bool joinPatiently() {
  timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += kPatienceSeconds;
  return pthread_timedjoin_np(loop.thread, nullptr, &deadline) == 0;
}

}  // namespace

EventLoop startEventLoop() {
  const std::lock_guard<std::mutex> lock(loop.mutex);
  if (isRunning()) return EventLoop::Running;
  if (shimFunction(FunctionId::virEventRegisterDefaultImpl) == nullptr) return EventLoop::Unavailable;
  if (!loop.registered) {
    if (hasForeignImplementation()) return EventLoop::Foreign;
    if (registerDefaultImpl() < 0) return EventLoop::Unavailable;
    // Libraries that libvirt uses are taken down by handlers that were there before: the thread has to end first.
    atexit(stopEventLoop);
    loop.registered = true;
  }
  return startRegistered() ? EventLoop::Running : EventLoop::Unavailable;
}

void stopEventLoop() {
  const std::lock_guard<std::mutex> lock(loop.mutex);
  if (!isRunning()) return;
  loop.stopping.store(true, std::memory_order_release);
  updateTimeout(loop.waker, kAtOnce);
  if (pthread_equal(loop.thread, pthread_self()) || !joinPatiently()) return;
  removeTimeout(loop.waker);
  loop.running = false;
}

}  // namespace virtshim::addon
