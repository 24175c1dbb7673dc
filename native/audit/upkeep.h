// What tools do to a trail beside its writers. Each call opens the trail for itself and leaves nothing open.
#pragma once

#include <string_view>

#include "audit/rotation.h"
#include "sys/private_file.h"

namespace virtshim::audit {

struct TrailFolder {
  const char *directory;
  bool groupReadable;  // as in TrailOptions
};

// Puts trail.xml and audit.log aside and begins new ones. `name` is what trail.xml is called from now on, "" where it
// has no records. Bounded in time; on false *failure says why.
bool rotateTrail(const TrailFolder &folder, char (&name)[kRotatedNameSize], OpenFailure *failure);

// Appends a notice to trail.xml: what kind, and the text for people.
bool appendNotice(const TrailFolder &folder, std::string_view kind, std::string_view text, OpenFailure *failure);

// A lock on what tools do to the files that were put aside, one tool at a time. It ends when the descriptor that is
// returned is closed, or with the process. -1 where it cannot be had; *failure is then EAGAIN where another one has it.
int lockUpkeep(const TrailFolder &folder, OpenFailure *failure);

}  // namespace virtshim::audit
