#include "policy/argument_match.h"

#include "policy/compare.h"

namespace virtshim::policy {

namespace {

using namespace image;

bool isNumber(ArgType type) { return type <= ArgType::Size; }

bool isSigned(ArgType type) { return type == ArgType::Int || type == ArgType::Long || type == ArgType::LongLong; }

bool compareSlot(const Argument &argument, ArgType type, ArgSlot slot) {
  return compareNumber(argument, isSigned(type) ? Wide{slot.i} : Wide{slot.u}, slot.u);
}

constexpr int kUuidBytes = 16;
constexpr int kUuidLength = kArgumentScratch;

std::string_view formatUuid(const uint8_t *uuid, char (&out)[kUuidLength]) {
  static const char kDigits[] = "0123456789abcdef";
  char *at = out;
  for (int i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = kDigits[uuid[i] >> 4];
    *at++ = kDigits[uuid[i] & 15];
  }
  return {out, kUuidLength};
}

bool globOfArgument(const View &view, const Argument &argument, ArgType type, ArgSlot slot) {
  if (slot.p == nullptr) return false;
  if (type == ArgType::String) return globMatches(view, argument.glob, static_cast<const char *>(slot.p));
  char text[kUuidLength];
  return globMatches(view, argument.glob, formatUuid(static_cast<const uint8_t *>(slot.p), text));
}

}  // namespace

int findArgument(const FunctionFacts &function, uint16_t nameId) {
  for (int i = 0; i < function.argCount; ++i) {
    if (function.args[i].nameId == nameId) return i;
  }
  return -1;
}

bool argumentMatches(const View &view, const Argument &argument, const Request &request) {
  const FunctionFacts &function = facts(request.function);
  const int index = findArgument(function, argument.nameId);
  if (index < 0) return false;
  const ArgType type = function.args[index].type;
  const ArgSlot slot = request.args[index];
  if (argument.operand != Operand::Glob) return isNumber(type) && compareSlot(argument, type, slot);
  if (type != ArgType::String && type != ArgType::Uuid) return false;
  return globOfArgument(view, argument, type, slot) != (argument.op == Operator::NotEqual);
}

MaybeString argumentKey(uint16_t nameId, const Request &request, char (&scratch)[kArgumentScratch]) {
  const FunctionFacts &function = facts(request.function);
  const int index = findArgument(function, nameId);
  if (index < 0) return {false, {}};
  const ArgType type = function.args[index].type;
  const ArgSlot slot = request.args[index];
  if (isNumber(type)) return {true, bytesOf(slot.u, scratch)};
  if (slot.p == nullptr) return {false, {}};
  if (type == ArgType::String) return {true, static_cast<const char *>(slot.p)};
  if (type != ArgType::Uuid) return {false, {}};
  return {true, formatUuid(static_cast<const uint8_t *>(slot.p), scratch)};
}

}  // namespace virtshim::policy
