// The shared objects mapped into this process, read from their ELF structures.
//
// Needed where dlsym cannot be used: to find dlsym itself, which the shim interposes, to list what a library exports,
// and to tell whose code called.
#pragma once

#include <cstddef>
#include <string_view>

namespace virtshim {

// Finds a function of the C library, or of libdl, where dlsym and dlopen lived before glibc 2.34. nullptr where there
// is none. Takes the dynamic linker's lock for a moment.
void *findInLibc(const char *name);

// Calls `visit` for each public function that the loaded object `soname` exports: those under a version node that is
// not libvirt's PRIVATE one.
using VisitExport = void (*)(const char *name, void *opaque);
void forEachPublicExport(const char *soname, VisitExport visit, void *opaque);

// True where `address` lies in libvirt's own code: its four libraries, its loadable driver modules, or the shim.
bool isLibvirtCode(const void *address);

// Whether libvirt's module of this driver is loaded, as it is where this process serves its connections itself: in
// libvirt's daemons, and where a program embeds the driver.
bool hasDriverModule(std::string_view driver);

// True where `address` lies in this shim.
bool isShimCode(const void *address);

}  // namespace virtshim
