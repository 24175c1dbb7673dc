// What happens when the shim comes into a process, forks with it, and leaves it.
#include <fcntl.h>
#include <pthread.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "audit/trail.h"
#include "call/connections.h"
#include "call/settings.h"
#include "interposer/dl_hooks.h"
#include "interposer/inherit.h"
#include "sys/entropy.h"
#include "sys/errno_guard.h"
#include "sys/identity.h"
#include "sys/private_file.h"

namespace virtshim {
namespace {

void afterForkInChild() {
  ErrnoGuard guard;
  unlockConnections();
  refreshAfterFork();
  reseedRecordIds();
  audit::Trail::afterForkInChild();
}

// The trail's descriptors have high numbers. Once a process has threads, the kernel lets it wait some 10 ms until its
// table of descriptors has grown for them; before that, growing it costs nothing.
void growDescriptorTable() {
  if (!__libc_single_threaded) return;
  int fd = open("/", O_PATH | O_CLOEXEC);
  if (fd >= 0) close(moveHigh(fd));
}

// Policies are loaded on the first call of libvirt, not here: most processes that inherit the preload never make one.
__attribute__((constructor)) void onLoad() {
  ErrnoGuard guard;
  initDlHooks();
  keepSettings();
  pthread_atfork(lockConnections, unlockConnections, afterForkInChild);
  dropInheritance();
  growDescriptorTable();
}

__attribute__((destructor)) void onUnload() {
  ErrnoGuard guard;
  audit::Trail::shutdown();
}

}  // namespace
}  // namespace virtshim
