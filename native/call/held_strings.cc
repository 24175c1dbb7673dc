#include "call/held_strings.h"

#include <cstdlib>
#include <cstring>

#include "libvirt/uuid.h"

namespace virtshim {
namespace {

// Without the NUL that ends a string.
size_t lengthOf(const ArgFacts &arg, const void *value) {
  return arg.type == ArgType::Uuid ? size_t{kUuidBytes} : strlen(static_cast<const char *>(value));
}

}  // namespace

bool isHeld(const ArgFacts &arg) { return arg.type == ArgType::String || arg.type == ArgType::Uuid; }

HeldStrings::~HeldStrings() {
  if (block_) free(block_);
}

bool HeldStrings::hold(const FunctionFacts &function, ArgSlot *args) {
  size_t lengths[kMaxArgs], total = 0;
  for (int i = 0; i < function.argCount; i++) {
    if (!isHeld(function.args[i]) || !args[i].p) continue;
    lengths[i] = lengthOf(function.args[i], args[i].p);
    total += lengths[i] + 1;
  }
  if (total == 0) return true;
  char *out = small_;
  if (total > sizeof small_ && !(out = block_ = static_cast<char *>(malloc(total)))) return false;
  for (int i = 0; i < function.argCount; i++) {
    if (!isHeld(function.args[i]) || !args[i].p) continue;
    memcpy(out, args[i].p, lengths[i]);
    out[lengths[i]] = 0;
    args[i].p = out;
    out += lengths[i] + 1;
  }
  return true;
}

}  // namespace virtshim
