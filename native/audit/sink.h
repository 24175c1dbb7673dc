// Takes audit texts off the caller's hands: to the kernel by a thread of its own, since a send may block for as long
// as the kernel's backlog is full; to audit.log where the kernel refuses or the policy asks.
#pragma once

#include <string_view>

#include "audit/state.h"

namespace virtshim::audit {

void sinkConfigure(bool netlink, bool fileAlways);
bool sinkWanted();  // false where nobody wants audit text

// Never blocks for long. `state` is the trail's and stays mapped.
void sinkSubmit(SharedState *state, std::string_view origin, std::string_view text);

// True where nothing is waiting any more within `ms`.
bool sinkFlush(int ms);

// At the process's end: what the kernel did not take within `ms` goes to audit.log.
void sinkFinish(int ms);

void sinkAfterFork();

}  // namespace virtshim::audit
