// Finding the C library's functions while a sanitizer's runtime is only starting.
//
// Such a runtime looks up what it intercepts before it can do anything else, and those look-ups meet our hooks. Until
// it is ready neither instrumented code nor any function that it intercepts (strcmp, dl_iterate_phdr) can be used:
// builds with a sanitizer use the code here instead of libvirt/loaded_objects.h.
#pragma once

#define VIRTSHIM_UNINSTRUMENTED __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))

namespace virtshim {

#ifdef VIRTSHIM_SANITIZED
// As findInLibc in one object, without the dynamic linker's lock: for the start of a process, when there is one thread.
void *findEarly(const char *prefix, const char *name);
#endif

// Whether the name starts with "vir".
VIRTSHIM_UNINSTRUMENTED inline bool startsWithVir(const char *name) {
  return name[0] == 'v' && name[1] == 'i' && name[2] == 'r';
}

}  // namespace virtshim
