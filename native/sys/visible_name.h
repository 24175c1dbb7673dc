// A name that others can read in /proc/PID/maps: how a process says from outside what is in force in it.
#pragma once

namespace virtshim {

// Makes a mapping that shows as "/memfd:NAME (deleted)"; it holds no memory and no descriptor, and children of a fork
// have it too. nullptr where the kernel refuses; nothing depends on it. At most 200 bytes. Keeps errno.
void *showName(const char *name);

// Takes the name away again; nullptr is none.
void hideName(void *shown);

}  // namespace virtshim
