// audit.log: the audit text in a file, in auditd's own line format, so that ausearch and aureport read it.
#pragma once

#include <string_view>

#include "audit/state.h"

namespace virtshim::audit {

// Where the file is. `directory` outlives every append.
void auditLogConfigure(const char *directory, bool groupReadable);

// Appends one line with one write(2), its time and serial number taken under the lock. `state` is the trail's.
// Returns 0 or an errno; a line is there whole or not at all. Thread-safe; bounded in time.
int auditLogAppend(SharedState *state, std::string_view origin, std::string_view text);

void auditLogAfterFork();

}  // namespace virtshim::audit
