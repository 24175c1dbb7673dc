// Whether another process still runs.
#pragma once

#include <cstdint>

namespace virtshim {

struct ProcessId {
  uint32_t pid;
  uint64_t pidNamespace;  // inode of /proc/self/ns/pid, 0 where unknown
  uint64_t startTime;     // field 22 of /proc/<pid>/stat, 0 where unknown
};

enum class Liveness { Alive, Gone, Unknown };

ProcessId ownProcess();

// Unknown for processes of other pid namespaces and for zombies. Keeps errno.
Liveness livenessOf(const ProcessId &process);

}  // namespace virtshim
