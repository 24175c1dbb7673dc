// The trail: where records go. A folder with trail.xml (one element a line, hash chain) and audit.log (audit text that
// netlink refuses, or that the policy wants in a file), written by many processes and threads at once.
#pragma once

#include <cstdint>
#include <string_view>

#include "audit/event.h"

namespace virtshim::audit {

struct TrailOptions {
  const char *directory;  // made if missing; refused if others could write to it or on the way to it
  bool netlink;           // send audit text to the kernel
  bool fileAlways;        // write audit text to audit.log even where the kernel took it
  bool groupReadable;     // files 0640 and folder 0750 instead of 0600 and 0700
};

enum class AppendResult : uint8_t {
  Ok,
  Failed,  // not in trail.xml: the caller applies onAuditFailure; lastFailure() says why
};

// Opens the trail on first use. Thread-safe; allocates only on first use of a thread. errno is preserved.
class Trail {
 public:
  // Sets where the records go; does no I/O. Call once before append; strings are copied.
  static void configure(const TrailOptions &options);

  // Appends the event to trail.xml with one write(2), then hands its audit text to netlink. Bounded in time.
  static AppendResult append(const Event &event);

  // Reason of this thread's last Failed: "trail `/x`: No space left on device". Valid until the next append.
  static const char *lastFailure();

  // Waits until the audit text handed over so far was accepted, refused or written to audit.log; at most `ms`.
  static bool flush(int ms);

  // To be called in a forked child before anything else, and at process exit.
  static void afterForkInChild();
  static void shutdown();
};

}  // namespace virtshim::audit
