// What happens when the shim comes into a process, forks with it, and leaves it.
#include <pthread.h>
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

namespace virtshim {
namespace {

void afterForkInChild() {
  ErrnoGuard guard;
  unlockConnections();
  refreshAfterFork();
  reseedRecordIds();
  audit::Trail::afterForkInChild();
}

// Policies are loaded on the first call of libvirt, not here: most processes that inherit the preload never make one.
__attribute__((constructor)) void onLoad() {
  ErrnoGuard guard;
  initDlHooks();
  keepSettings();
  pthread_atfork(lockConnections, unlockConnections, afterForkInChild);
  dropInheritance();
}

__attribute__((destructor)) void onUnload() {
  ErrnoGuard guard;
  audit::Trail::shutdown();
}

}  // namespace
}  // namespace virtshim
