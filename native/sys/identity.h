// Who this process is, from the kernel alone: no name service, no environment.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace virtshim {

constexpr uint32_t kUnsetId = 4294967295u;

struct Identity {
  uint32_t pid;
  uint32_t auid;  // login uid, kUnsetId where unset
  uint32_t ses;   // audit session, kUnsetId where unset
  std::string_view comm;
  std::string_view exe;
  std::string_view terminal;  // "pts/0", "tty1" or ""
  std::string_view subj;      // label of the security module, or ""
};

// Read once and kept; thread-safe; never fails (what cannot be read is "" or kUnsetId). Keeps errno.
const Identity &identity();

uint32_t currentTid();    // kept per thread
uint32_t currentUid();    // effective; asked of the kernel each time, since programs drop privileges
bool inGroup(gid_t gid);  // effective or supplementary; asked of the kernel each time

// In a forked child: everything is read anew on next use.
void refreshAfterFork();

}  // namespace virtshim
