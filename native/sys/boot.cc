#include "sys/boot.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

#include "sys/errno_guard.h"

namespace virtshim {
namespace {

// The kernel shows a random uuid; FNV-1a makes a number of it. 0 where it cannot be read.
uint64_t readBootId() {
  char text[64];
  const int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return 0;
  const ssize_t size = read(fd, text, sizeof text);
  close(fd);
  if (size <= 0) return 0;
  uint64_t hash = 0xcbf29ce484222325;
  for (ssize_t i = 0; i < size; ++i) hash = (hash ^ static_cast<uint8_t>(text[i])) * 0x100000001b3;
  return hash | 1;
}

}  // namespace

bool bootId(uint64_t *id) {
  static std::atomic<uint64_t> known{0};
  *id = known.load(std::memory_order_relaxed);
  if (*id != 0) return true;
  ErrnoGuard guard;
  *id = readBootId();
  known.store(*id, std::memory_order_relaxed);
  return *id != 0;
}

int64_t sinceBootNs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

}  // namespace virtshim
