// The environment variables that say how the shim is set up, as they were when it came into the process.
//
// Many programs clean their environment before they do anything else. What was set for them must hold all the same.
#pragma once

#include <cstddef>

namespace virtshim {

// Keeps the values. Called once, when the shim is loaded; allocates.
void keepSettings();

// The value of VIRTSHIM_POLICY, VIRTSHIM_TRAIL, VIRTSHIM_MODE, VIRTSHIM_ACTOR, VIRTSHIM_REASON, XDG_STATE_HOME or HOME:
// the one that was kept, else that of now. nullptr where it is unset or empty. Valid until the program changes its
// environment.
const char *setting(const char *name);

// The folder for what this user's programs keep: virtshim in XDG_STATE_HOME, or in ~/.local/state. False where neither
// variable says, or the path is too long.
bool userStateFolder(char *out, size_t size);

}  // namespace virtshim
