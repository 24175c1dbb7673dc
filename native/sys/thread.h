// Threads of our own inside somebody else's process.
#pragma once

#include <cstddef>

namespace virtshim {

// Starts a detached thread on which no signal of the process arrives. False where the system refuses.
bool startThread(size_t stackBytes, void *(*work)(void *), void *argument);

}  // namespace virtshim
