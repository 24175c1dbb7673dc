// Every entry from the host program keeps the host's errno.
#pragma once

#include <cerrno>

namespace virtshim {

struct ErrnoGuard {
  ErrnoGuard() : saved(errno) {}
  ~ErrnoGuard() { errno = saved; }
  ErrnoGuard(const ErrnoGuard &) = delete;
  ErrnoGuard &operator=(const ErrnoGuard &) = delete;
  int saved;
};

}  // namespace virtshim
