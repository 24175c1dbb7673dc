#include "libvirt/unknown_functions.h"

#include <atomic>

#include "libvirt/loaded_objects.h"

namespace virtshim {
namespace {

std::atomic<const char *> first;

void addIfUnknown(const char *name, void *opaque) {
  auto *unknown = static_cast<UnknownFunctions *>(opaque);
  if (findFunction(name) != kNoFunction) return;
  if (unknown->count < kMaxUnknown) unknown->names[unknown->count] = name;
  unknown->count++;
}

}  // namespace

UnknownFunctions findUnknownFunctions(Library library) {
  UnknownFunctions unknown = {};
  forEachPublicExport(kLibrarySonames[static_cast<int>(library)], addIfUnknown, &unknown);
  if (unknown.count) first.store(unknown.names[0], std::memory_order_release);
  return unknown;
}

const char *firstUnknownFunction() { return first.load(std::memory_order_acquire); }

}  // namespace virtshim
