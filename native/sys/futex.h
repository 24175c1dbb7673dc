// The futex calls that the trail's locks need. Shared between processes unless said otherwise.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace virtshim {

// Sleeps while *word == expected, at most `ms`. May wake early for no reason.
inline void futexWait(std::atomic<uint32_t> *word, uint32_t expected, int ms) {
  timespec timeout{ms / 1000, (ms % 1000) * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, nullptr, 0);
}

inline void futexWakeOne(std::atomic<uint32_t> *word) { syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0); }

}  // namespace virtshim
