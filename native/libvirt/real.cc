#include "libvirt/real.h"

#include <dlfcn.h>

#include "libvirt/loaded_objects.h"

namespace virtshim {

std::atomic<void *> realFunctions[kFunctionCount];

namespace {

using Dlsym = void *(*)(void *, const char *);
using Dlopen = void *(*)(const char *, int);

template <typename F>
F libcFunction(std::atomic<F> *cache, const char *name) {
  F found = cache->load(std::memory_order_relaxed);
  if (found) return found;
  found = reinterpret_cast<F>(findInLibc(name));
  cache->store(found, std::memory_order_relaxed);
  return found;
}

std::atomic<Dlsym> libcDlsym;
std::atomic<Dlopen> libcDlopen;
std::atomic<void *> libraries[kLibraryCount];

// Python and Perl load libvirt RTLD_LOCAL, where RTLD_NEXT does not find it: ask for the loaded one by its soname.
void *openLibrary(Library library) {
  std::atomic<void *> &cached = libraries[static_cast<int>(library)];
  void *handle = cached.load(std::memory_order_acquire);
  if (handle) return handle;
  handle = realDlopen(kLibrarySonames[static_cast<int>(library)], RTLD_LAZY | RTLD_LOCAL);
  cached.store(handle, std::memory_order_release);
  return handle;
}

void *openSelf() {
  static std::atomic<void *> self;
  void *handle = self.load(std::memory_order_acquire);
  if (handle) return handle;
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&openSelf), &info)) return nullptr;
  handle = realDlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  self.store(handle, std::memory_order_release);
  return handle;
}

}  // namespace

void *realDlsym(void *handle, const char *name) {
  Dlsym function = libcFunction(&libcDlsym, "dlsym");
  return function ? function(handle, name) : nullptr;
}

void *realDlopen(const char *file, int flags) {
  Dlopen function = libcFunction(&libcDlopen, "dlopen");
  return function ? function(file, flags) : nullptr;
}

void *resolveReal(FunctionId id) {
  std::atomic<void *> &slot = realFunctions[static_cast<uint16_t>(id)];
  void *found = slot.load(std::memory_order_acquire);
  if (found) return found;
  void *library = openLibrary(facts(id).library);
  found = library ? realDlsym(library, facts(id).name) : nullptr;
  // INVARIANT: never the shim itself, whatever the search order was: that would recurse without end.
  if (found && isShimCode(found)) found = nullptr;
  slot.store(found, std::memory_order_release);
  return found;
}

void *findPrivate(std::atomic<void *> *cache, const char *name) {
  void *found = cache->load(std::memory_order_acquire);
  if (found) return found;
  found = findPrivate(name);
  cache->store(found, std::memory_order_release);
  return found;
}

void *findPrivate(const char *name) {
  void *library = openLibrary(Library::Libvirt);
  return library ? realDlsym(library, name) : nullptr;
}

void *wrapperOf(FunctionId id) {
  void *self = openSelf();
  return self ? realDlsym(self, facts(id).name) : nullptr;
}

}  // namespace virtshim
