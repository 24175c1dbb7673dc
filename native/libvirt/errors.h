// libvirt's thread-local last error: raised for refusals, read for records, otherwise left as it is.
#pragma once

#include <cstdint>

namespace virtshim {

// virErrorNumber and virErrorDomain values that the shim raises.
constexpr int kVirErrNoSupport = 3;
constexpr int kVirErrAccessDenied = 88;
constexpr int kVirFromNone = 0;
constexpr int kVirFromAccess = 55;

// The head of libvirt's public struct _virError.
struct VirError {
  int code;
  int domain;
  char *message;
  int level;
};

// Raises a libvirt error exactly as libvirt does: thread-local last error, then the program's error callbacks.
// `connection`, a live one or nullptr, keeps it as its own last error too, and its own callback comes first. str1 is
// the message; `str2` and `str3` may be nullptr.
void raiseError(void *connection, int domain, int code, const char *function, const char *message,
                const char *str2 = nullptr, const char *str3 = nullptr);

// The last error of this thread, or nullptr. Only after a libvirt call has been made: plain libvirt crashes earlier.
const VirError *lastError();

// Keeps this thread's last error across look-ups in libvirt, which reset it. Costs one call where there is none.
class ErrorGuard {
 public:
  ErrorGuard();
  ~ErrorGuard();
  ErrorGuard(const ErrorGuard &) = delete;
  ErrorGuard &operator=(const ErrorGuard &) = delete;

 private:
  void *saved_;
};

}  // namespace virtshim
