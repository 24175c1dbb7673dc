#include "sys/visible_name.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/errno_guard.h"

namespace virtshim {
namespace {

constexpr size_t kSize = 4096;  // rounded up to a page by the kernel; never touched
constexpr unsigned kCloseOnExec = 1;

}  // namespace

void *showName(const char *name) {
  ErrnoGuard guard;
  // Not through the C library: older ones lack the function.
  int fd = static_cast<int>(syscall(SYS_memfd_create, name, kCloseOnExec));
  if (fd < 0) return nullptr;
  void *shown = mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE, fd, 0);
  close(fd);
  return shown == MAP_FAILED ? nullptr : shown;
}

void hideName(void *shown) {
  ErrnoGuard guard;
  if (shown) munmap(shown, kSize);
}

}  // namespace virtshim
