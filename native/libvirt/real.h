// The real libvirt: where its functions are. Everything that calls into libvirt goes through here.
#pragma once

#include <atomic>
#include <cstdint>

#include "api/facts.h"

namespace virtshim {

// Real entry points, filled by resolveReal(); read by the generated wrappers.
extern std::atomic<void *> realFunctions[kFunctionCount];

// The real function, or nullptr where it is not resolved yet or the installed libvirt lacks it. Safe to call at any
// time and from any thread. Loads the library if the process has not: a caller of the shim's symbol wants libvirt.
void *resolveReal(FunctionId id);

// Finds a symbol of libvirt.so.0 that is not part of the public API, or nullptr.
void *findPrivate(const char *name);

// The same, looked up once and then kept in `cache`.
void *findPrivate(std::atomic<void *> *cache, const char *name);

// The shim's own exported wrapper of a function.
void *wrapperOf(FunctionId id);

// dlsym and dlopen of the C library, past the shim's own.
void *realDlsym(void *handle, const char *name);
void *realDlopen(const char *file, int flags);

template <typename F>
F real(FunctionId id) {
  return reinterpret_cast<F>(resolveReal(id));
}

}  // namespace virtshim
