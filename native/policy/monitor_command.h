// The name of the command within a call that sends something to qemu's monitor or to a guest's agent.
#pragma once

#include "api/facts.h"
#include "policy/policy.h"

namespace virtshim::policy {

// Reads the argument that holds the command; none for functions without one. Views into that argument. A small strict
// reader of its own: whatever libvirt's or qemu's parser might take for something else (escapes in a name, a key that
// comes twice, text behind the object) is unknown. Linear in the length of the command; allocates nothing.
MonitorCommands monitorCommandsOf(FunctionId function, const ArgSlot *args);

}  // namespace virtshim::policy
