// For whom a call is made, and why, as the program says it: the user of a web service, say. Nothing here is verified:
// records keep it apart from the real user, and rules that ask about it believe what the program says.
#pragma once

#include "audit/event.h"

namespace virtshim {

// What this thread said last, and for each part that it left out what VIRTSHIM_ACTOR and VIRTSHIM_REASON say. The views
// are valid until the thread speaks again.
audit::Asserted currentActor();

}  // namespace virtshim

// Exported. Names the user on whose behalf this thread's calls are made from now on, the service that asserts it, and
// the reason; each is copied, and NULL or "" leaves it out. Longer texts than kMaxActor, kMaxVia and kMaxReason bytes
// are cut and end in "...". Threads do not inherit it. Keeps errno.
extern "C" __attribute__((visibility("default"))) void virtshim_set_actor(const char *user, const char *via,
                                                                          const char *reason);
