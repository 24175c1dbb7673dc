#include "call/held_strings.h"

#include <cstdlib>
#include <cstring>

#include "libvirt/uuid.h"

namespace virtshim {

bool isHeld(const ArgFacts &arg) {
  return arg.type == ArgType::String || arg.type == ArgType::Uuid || arg.type == ArgType::TypedParams;
}

HeldStrings::~HeldStrings() {
  if (block_) free(block_);
  if (parameters_ != few_) free(parameters_);
}

// The list first: its strings are those that the copy names.
bool HeldStrings::hold(const FunctionFacts &function, ArgSlot *args) {
  return holdParameters(function, args) && holdTexts(function, args);
}

// No function reads two lists. One that libvirt would not take stays where it is: no rule looks into it.
bool HeldStrings::holdParameters(const FunctionFacts &function, ArgSlot *args) {
  for (int i = 0; i < function.argCount; i++) {
    const int count = typedParameterCount(function, args, i);
    if (count == 0) continue;
    const size_t size = static_cast<size_t>(count) * sizeof(TypedParameter);
    parameters_ = size <= sizeof few_ ? few_ : static_cast<TypedParameter *>(malloc(size));
    if (!parameters_) return false;
    memcpy(parameters_, args[i].p, size);
    args[i].p = parameters_;
    parameterCount_ = count;
    return true;
  }
  return true;
}

// Calls `visit(text, fixed)` with the place of each string or uuid; `fixed` is a uuid's size, else 0.
template <typename Visit>
void HeldStrings::eachText(const FunctionFacts &function, ArgSlot *args, Visit visit) {
  for (int i = 0; i < function.argCount; i++) {
    const ArgType type = function.args[i].type;
    if (!args[i].p || (type != ArgType::String && type != ArgType::Uuid)) continue;
    const char *text = static_cast<const char *>(args[i].p);
    visit(&text, type == ArgType::Uuid ? size_t{kUuidBytes} : 0);
    args[i].p = text;
  }
  for (int i = 0; i < parameterCount_; i++) {
    const bool isText = parameters_[i].type == static_cast<int>(TypedParameterType::String);
    if (isText && parameters_[i].s) visit(&parameters_[i].s, size_t{0});
  }
}

bool HeldStrings::holdTexts(const FunctionFacts &function, ArgSlot *args) {
  size_t total = 0;
  eachText(function, args, [&](const char **text, size_t fixed) { total += (fixed ? fixed : strlen(*text)) + 1; });
  if (total == 0) return true;
  char *out = small_;
  if (total > sizeof small_ && !(out = block_ = static_cast<char *>(malloc(total)))) return false;
  // A string that grew since is cut where the room ends: what is judged is what is forwarded.
  const char *end = out + total;
  bool fits = true;
  eachText(function, args, [&](const char **text, size_t fixed) {
    if (out == end || (fixed && static_cast<size_t>(end - out) <= fixed)) {
      fits = false;
      return;
    }
    const size_t length = fixed ? fixed : strnlen(*text, static_cast<size_t>(end - out) - 1);
    memcpy(out, *text, length);
    out[length] = 0;
    *text = out;
    out += length + 1;
  });
  return fits;
}

}  // namespace virtshim
