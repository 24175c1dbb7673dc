// The kernel's audit socket, spoken directly: no library that would look names up or hide a refusal.
#pragma once

#include <cstddef>

namespace virtshim {

// Sends one AUDIT_VIRT_CONTROL record. Returns 0 where the kernel accepted it, else the errno of the refusal
// (EPERM without CAP_AUDIT_WRITE, ECONNREFUSED in a user namespace, EPROTONOSUPPORT without kernel audit).
// May block while the kernel's backlog is full: call it only on a thread of its own. Not thread-safe.
int netlinkSendVirtControl(const char *text, size_t size);

// Opens a socket and asks nothing: 0, or the errno of socket().
int netlinkProbe();

// In a forked child: the parent's socket is left alone and a new one made on next use.
void netlinkAfterFork();

void netlinkClose();

}  // namespace virtshim
