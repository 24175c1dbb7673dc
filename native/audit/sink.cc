#include "audit/sink.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "audit/audit_log.h"
#include "audit/text.h"
#include "sys/clock.h"
#include "sys/errno_guard.h"
#include "sys/netlink.h"
#include "sys/pages.h"
#include "sys/thread.h"

namespace virtshim::audit {
namespace {

constexpr size_t kRingBytes = 1024 * 1024;
constexpr int kRingTexts = 1024;
constexpr size_t kStackBytes = 64 * 1024;
constexpr int64_t kLingerMs = 100;
constexpr int64_t kProbeAgainMs = 60 * 1000;
constexpr int64_t kStuckMs = 200;  // a send that lasts longer waits for a full backlog, for up to a minute

struct Entry {
  SharedState *state;
  uint16_t originSize;
  uint16_t textSize;
  char bytes[];
};

// Entries one after the other in one block; the start is used again whenever all are done.
struct Ring {
  pthread_mutex_t mutex;
  pthread_cond_t more;
  pthread_cond_t done;
  char *block;
  size_t first, last;  // offsets of the oldest entry and of the free rest
  int count;           // not yet finished, the one being sent included
  bool running;
  bool idle;
  int64_t sendingSinceMs;  // 0 where nothing is being sent
};

Ring g_ring = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, nullptr, 0, 0, 0, false, false, 0};
std::atomic<bool> g_netlink{false};
std::atomic<bool> g_fileAlways{false};
std::atomic<int64_t> g_refusedUntilMs{0};

size_t entrySize(const Entry *entry) {
  return (sizeof(Entry) + entry->originSize + entry->textSize + 15) & ~size_t{15};
}

// Refusals that will not change with the next record.
bool lasting(int error) {
  return error == EPERM || error == ECONNREFUSED || error == EPROTONOSUPPORT || error == EAFNOSUPPORT ||
         error == EACCES || error == ENOSYS;
}

void toFile(SharedState *state, std::string_view origin, std::string_view text) { auditLogAppend(state, origin, text); }

void send(const Entry *entry) {
  std::string_view origin(entry->bytes, entry->originSize);
  std::string_view text(entry->bytes + entry->originSize, entry->textSize);
  int error = netlinkSendVirtControl(text.data(), text.size());
  if (error == 0) return;
  if (lasting(error)) g_refusedUntilMs.store(monotonicCoarseMs() + kProbeAgainMs, std::memory_order_relaxed);
  if (!g_fileAlways.load(std::memory_order_relaxed)) toFile(entry->state, origin, text);
}

timespec inMs(int64_t ms) {
  int64_t at = monotonicNs() + ms * 1000000;
  return {static_cast<time_t>(at / 1000000000), static_cast<long>(at % 1000000000)};
}

// Waits for work. False where there was none for a while: the thread then ends.
bool waitForWork() {
  timespec deadline = inMs(kLingerMs);
  g_ring.idle = true;
  while (g_ring.count == 0) {
    if (pthread_cond_clockwait(&g_ring.more, &g_ring.mutex, CLOCK_MONOTONIC, &deadline) == ETIMEDOUT) break;
  }
  g_ring.idle = false;
  return g_ring.count > 0;
}

// Takes the oldest entry out. Under the mutex.
Entry *first() { return reinterpret_cast<Entry *>(g_ring.block + g_ring.first); }

void removeFirst() {
  g_ring.first += entrySize(first());
  if (--g_ring.count > 0) return;
  g_ring.first = g_ring.last = 0;
  pthread_cond_broadcast(&g_ring.done);
}

void *work(void *) {
  prctl(PR_SET_NAME, "virtshim-audit");
  pthread_mutex_lock(&g_ring.mutex);
  while (waitForWork()) {
    Entry *entry = first();
    g_ring.sendingSinceMs = monotonicCoarseMs();
    pthread_mutex_unlock(&g_ring.mutex);
    send(entry);
    pthread_mutex_lock(&g_ring.mutex);
    g_ring.sendingSinceMs = 0;
    removeFirst();
  }
  g_ring.running = false;
  pthread_mutex_unlock(&g_ring.mutex);
  return nullptr;
}

bool stuck() { return g_ring.sendingSinceMs && monotonicCoarseMs() - g_ring.sendingSinceMs > kStuckMs; }

bool enqueueLocked(SharedState *state, std::string_view origin, std::string_view text) {
  if (!g_ring.block && !(g_ring.block = static_cast<char *>(allocatePages(kRingBytes)))) return false;
  size_t size = (sizeof(Entry) + origin.size() + text.size() + 15) & ~size_t{15};
  if (stuck() || g_ring.count >= kRingTexts || kRingBytes - g_ring.last < size) return false;
  if (!g_ring.running && !(g_ring.running = startThread(kStackBytes, work, nullptr))) return false;
  Entry *entry = reinterpret_cast<Entry *>(g_ring.block + g_ring.last);
  entry->state = state;
  entry->originSize = static_cast<uint16_t>(origin.size());
  entry->textSize = static_cast<uint16_t>(text.size());
  memcpy(entry->bytes, origin.data(), origin.size());
  memcpy(entry->bytes + origin.size(), text.data(), text.size());
  g_ring.last += size;
  g_ring.count++;
  return true;
}

bool enqueue(SharedState *state, std::string_view origin, std::string_view text) {
  pthread_mutex_lock(&g_ring.mutex);
  bool taken = enqueueLocked(state, origin, text);
  bool wake = taken && g_ring.idle;
  pthread_mutex_unlock(&g_ring.mutex);
  if (wake) pthread_cond_signal(&g_ring.more);
  return taken;
}

}  // namespace

void sinkConfigure(bool netlink, bool fileAlways) {
  g_netlink.store(netlink, std::memory_order_relaxed);
  g_fileAlways.store(fileAlways, std::memory_order_relaxed);
}

bool sinkWanted() { return g_netlink.load(std::memory_order_relaxed) || g_fileAlways.load(std::memory_order_relaxed); }

void sinkSubmit(SharedState *state, std::string_view origin, std::string_view text) {
  bool always = g_fileAlways.load(std::memory_order_relaxed);
  bool asked = g_netlink.load(std::memory_order_relaxed);
  if (always) toFile(state, origin, text);
  if (!asked) return;
  bool refused = g_refusedUntilMs.load(std::memory_order_relaxed) > monotonicCoarseMs();
  if (!refused && origin.size() < UINT16_MAX && enqueue(state, origin, text)) return;
  if (!always) toFile(state, origin, text);
}

bool sinkFlush(int ms) {
  ErrnoGuard guard;
  timespec deadline = inMs(ms);
  pthread_mutex_lock(&g_ring.mutex);
  while (g_ring.count > 0) {
    if (pthread_cond_clockwait(&g_ring.done, &g_ring.mutex, CLOCK_MONOTONIC, &deadline) == ETIMEDOUT) break;
  }
  bool empty = g_ring.count == 0;
  pthread_mutex_unlock(&g_ring.mutex);
  return empty;
}

void sinkFinish(int ms) {
  if (sinkFlush(ms)) return;
  // The thread is stuck in its send and keeps that entry; the others are still ours to save.
  pthread_mutex_lock(&g_ring.mutex);
  size_t at = g_ring.first;
  int skip = g_ring.sendingSinceMs ? 1 : 0;
  for (int i = 0; i < g_ring.count; i++) {
    Entry *entry = reinterpret_cast<Entry *>(g_ring.block + at);
    at += entrySize(entry);
    if (i < skip || g_fileAlways.load(std::memory_order_relaxed)) continue;
    toFile(entry->state, {entry->bytes, entry->originSize}, {entry->bytes + entry->originSize, entry->textSize});
  }
  if (g_ring.count > skip) {
    g_ring.count = skip;
    g_ring.last = skip ? g_ring.first + entrySize(first()) : 0;
    if (!skip) g_ring.first = 0;
  }
  pthread_mutex_unlock(&g_ring.mutex);
}

void sinkAfterFork() {
  // The parent's thread is not here, and what it holds is the parent's to send.
  g_ring.mutex = PTHREAD_MUTEX_INITIALIZER;
  g_ring.more = PTHREAD_COND_INITIALIZER;
  g_ring.done = PTHREAD_COND_INITIALIZER;
  g_ring.first = g_ring.last = 0;
  g_ring.count = 0;
  g_ring.running = g_ring.idle = false;
  g_ring.sendingSinceMs = 0;
  netlinkAfterFork();
}

}  // namespace virtshim::audit
