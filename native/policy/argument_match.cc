#include "policy/argument_match.h"

#include "policy/glob_match.h"

namespace virtshim::policy {

namespace {

using namespace image;

// Wide enough for every signed and unsigned argument, so that a negative one is less than any unsigned operand.
using Wide = __int128;

int findArgument(const FunctionFacts &function, uint16_t nameId) {
  for (int i = 0; i < function.argCount; ++i) {
    if (function.args[i].nameId == nameId) return i;
  }
  return -1;
}

bool isNumber(ArgType type) { return type <= ArgType::Size; }

bool isSigned(ArgType type) { return type == ArgType::Int || type == ArgType::Long || type == ArgType::LongLong; }

Wide operandValue(const Argument &argument) {
  return argument.operand == Operand::Signed ? Wide{static_cast<int64_t>(argument.value)} : Wide{argument.value};
}

bool compareNumber(const Argument &argument, ArgType type, ArgSlot slot) {
  const Wide value = isSigned(type) ? Wide{slot.i} : Wide{slot.u};
  const Wide operand = operandValue(argument);
  switch (argument.op) {
    case Operator::Equal: return value == operand;
    case Operator::NotEqual: return value != operand;
    case Operator::Less: return value < operand;
    case Operator::LessOrEqual: return value <= operand;
    case Operator::Greater: return value > operand;
    case Operator::GreaterOrEqual: return value >= operand;
    case Operator::HasAny: return (slot.u & argument.value) != 0;
    case Operator::HasAll: return (slot.u & argument.value) == argument.value;
    case Operator::HasNone: return (slot.u & argument.value) == 0;
  }
  return false;
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

bool argumentMatches(const View &view, const Argument &argument, const Request &request) {
  const FunctionFacts &function = facts(request.function);
  const int index = findArgument(function, argument.nameId);
  if (index < 0) return false;
  const ArgType type = function.args[index].type;
  const ArgSlot slot = request.args[index];
  if (argument.operand != Operand::Glob) return isNumber(type) && compareNumber(argument, type, slot);
  if (type != ArgType::String && type != ArgType::Uuid) return false;
  return globOfArgument(view, argument, type, slot) != (argument.op == Operator::NotEqual);
}

}  // namespace

bool argumentsMatch(const View &view, Range arguments, const Request &request) {
  for (uint32_t i = 0; i < arguments.count; ++i) {
    if (!argumentMatches(view, view.arguments[arguments.first + i], request)) return false;
  }
  return true;
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
