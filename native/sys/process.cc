#include "sys/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "sys/errno_guard.h"

namespace virtshim {
namespace {

uint64_t ownNamespace() {
  struct stat status;
  return stat("/proc/self/ns/pid", &status) == 0 ? static_cast<uint64_t>(status.st_ino) : 0;
}

struct Stat {
  char state;
  uint64_t startTime;
};

bool readStat(uint32_t pid, Stat *out) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%u/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  if (got <= 0) return false;
  text[got] = 0;
  const char *p = strrchr(text, ')');
  if (!p || p[1] != ' ') return false;
  out->state = p[2];
  for (int field = 2; p && field < 22; field++) p = strchr(p + 1, ' ');
  if (!p) return false;
  out->startTime = 0;
  for (p++; *p >= '0' && *p <= '9'; p++) out->startTime = out->startTime * 10 + static_cast<uint64_t>(*p - '0');
  return true;
}

}  // namespace

ProcessId ownProcess() {
  ErrnoGuard guard;
  ProcessId self{static_cast<uint32_t>(getpid()), ownNamespace(), 0};
  Stat stat;
  if (readStat(self.pid, &stat)) self.startTime = stat.startTime;
  return self;
}

Liveness livenessOf(const ProcessId &process) {
  ErrnoGuard guard;
  if (process.pid == 0 || process.pidNamespace == 0 || process.pidNamespace != ownNamespace()) return Liveness::Unknown;
  if (kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) return Liveness::Gone;
  Stat stat;
  if (!readStat(process.pid, &stat)) return Liveness::Unknown;
  if (process.startTime && stat.startTime != process.startTime) return Liveness::Gone;
  return stat.state == 'Z' || stat.state == 'X' ? Liveness::Unknown : Liveness::Alive;
}

}  // namespace virtshim
