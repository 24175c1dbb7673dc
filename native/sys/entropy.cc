#include "sys/entropy.h"

#include <sys/random.h>
#include <unistd.h>

#include <atomic>

#include "sys/clock.h"
#include "sys/errno_guard.h"

namespace virtshim {
namespace {

std::atomic<uint64_t> g_next{0};

uint64_t freshSeed() {
  uint64_t seed;
  if (randomBytes(&seed, sizeof seed)) return seed | 1;
  return (static_cast<uint64_t>(realtimeNs()) * 0x9e3779b97f4a7c15 ^ static_cast<uint64_t>(getpid()) << 32) | 1;
}

// Bijective, so a counter that never repeats gives ids that never repeat, without looking like a counter.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 31)) * 0xd6e8feb86659fd93;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

}  // namespace

bool randomBytes(void *out, size_t size) {
  ErrnoGuard guard;
  size_t done = 0;
  while (done < size) {
    ssize_t got = getrandom(static_cast<char *>(out) + done, size - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

uint64_t newRecordId() {
  if (g_next.load(std::memory_order_relaxed) == 0) {
    uint64_t none = 0;
    g_next.compare_exchange_strong(none, freshSeed(), std::memory_order_relaxed);
  }
  return mix(g_next.fetch_add(2, std::memory_order_relaxed));
}

void reseedRecordIds() { g_next.store(0, std::memory_order_relaxed); }

}  // namespace virtshim
