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

// What the rules ask: each answer is of this moment, for a process can change it. False where it cannot be found out.
// All keep errno; each takes some microseconds.
constexpr size_t kCommandSize = 16;  // of the kernel's comm, with its NUL
constexpr size_t kTerminalSize = 32;
constexpr size_t kLabelSize = 4096;             // of what /proc shows at once
bool readAuid(uint32_t *auid);                  // login uid of this thread, kUnsetId where unset
bool readCommand(char (&out)[kCommandSize]);    // name of the process, not of this thread
bool readTerminal(char (&out)[kTerminalSize]);  // "" where there is none
bool readLabel(char (&out)[kLabelSize]);        // of this thread; "" where there is none

// Path of the program, as it was when this process first asked. False where it is unknown, too long, or the file was
// removed or replaced before.
bool executablePath(std::string_view *path);

uint32_t currentTid();    // kept per thread
uint32_t currentUid();    // effective; asked of the kernel each time, since programs drop privileges
bool inGroup(gid_t gid);  // effective or supplementary; asked of the kernel each time

// In a forked child: everything is read anew on next use.
void refreshAfterFork();

}  // namespace virtshim
