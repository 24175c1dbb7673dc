// libvirt's default event loop on a thread of its own, one for the whole process.
#pragma once

#include <cstdint>

namespace virtshim::addon {

enum class EventLoop : uint8_t {
  Running,
  Foreign,      // the program has registered an implementation of its own, which has to run it
  Unavailable,  // no shim was attached, or no thread could be started
};

// To be called before the first connection is opened that events or keep-alive are wanted of: libvirt asks for an event
// loop when it opens one. Does nothing where it runs already.
EventLoop startEventLoop();

// Ends it within a short time, or leaves its thread to itself where libvirt does not come back.
void stopEventLoop();

}  // namespace virtshim::addon
