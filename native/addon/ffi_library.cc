#include "addon/ffi_library.h"

#include <dlfcn.h>

#include <atomic>

namespace virtshim::addon {

namespace {

std::atomic<void *> shim;
std::atomic<void *> functions[kFunctionCount];

// What LD_PRELOAD brought is found by its soname, wherever it lies: a second shim would judge every call twice.
void *openShim(const char *path) {
  constexpr int kFlags = RTLD_NOW | RTLD_GLOBAL;
  void *present = dlopen("libvirtshim.so", kFlags | RTLD_NOLOAD);
  return present ? present : dlopen(path, kFlags);
}

void discard(void *, void *) {}

// libvirt's functions touch their thread's last error first, which is memory of somebody else until it is initialized.
// Errors go to those who called; libvirt would also print them.
void prepareLibvirt() {
  using SetErrorFunc = void (*)(void *, void (*)(void *, void *));
  const auto initialize = reinterpret_cast<int (*)()>(shimFunction(FunctionId::virInitialize));
  const auto setErrorFunc = reinterpret_cast<SetErrorFunc>(shimFunction(FunctionId::virSetErrorFunc));
  if (initialize) initialize();
  if (setErrorFunc) setErrorFunc(nullptr, discard);
}

}  // namespace

bool attachShim(const char *path, std::string *problem) {
  if (shim.load(std::memory_order_acquire)) return true;
  void *handle = openShim(path);
  if (!handle) {
    const char *reason = dlerror();
    *problem = reason ? reason : "the shim cannot be loaded";
    return false;
  }
  shim.store(handle, std::memory_order_release);
  prepareLibvirt();
  return true;
}

bool isAttached() { return shim.load(std::memory_order_acquire) != nullptr; }

void *shimFunction(FunctionId id) {
  std::atomic<void *> &slot = functions[static_cast<uint16_t>(id)];
  void *found = slot.load(std::memory_order_relaxed);
  if (found) return found;
  found = shimSymbol(facts(id).name);
  slot.store(found, std::memory_order_relaxed);
  return found;
}

void *shimSymbol(const char *name) {
  void *handle = shim.load(std::memory_order_acquire);
  return handle ? dlsym(handle, name) : nullptr;
}

}  // namespace virtshim::addon
