#include "policy/parameter_match.h"

#include <cstring>

#include "api/typed_parameter.h"
#include "policy/argument_match.h"
#include "policy/compare.h"

namespace virtshim::policy {

namespace {

using image::Parameter;
using image::View;

// libvirt refuses longer lists before it reads them.
constexpr int64_t kMaxParameters = 1024;

std::string_view fieldOf(const TypedParameter &parameter) {
  return {parameter.field, strnlen(parameter.field, kTypedFieldSize)};
}

bool satisfies(const View &view, const Parameter &test, const TypedParameter &parameter) {
  using Type = TypedParameterType;
  const Type type = static_cast<Type>(parameter.type);
  if ((type == Type::String) != (test.operand == image::Operand::Glob)) return false;
  switch (type) {
    case Type::Int: return compareNumber(test, Wide{parameter.i}, static_cast<uint64_t>(int64_t{parameter.i}));
    case Type::UInt: return compareNumber(test, Wide{parameter.ui}, parameter.ui);
    case Type::LongLong: return compareNumber(test, Wide{parameter.l}, static_cast<uint64_t>(parameter.l));
    case Type::ULongLong: return compareNumber(test, Wide{parameter.ul}, parameter.ul);
    case Type::Double: return compareReal(test, parameter.d);
    case Type::Boolean: return compareNumber(test, Wide{parameter.b != 0}, parameter.b != 0);
    case Type::String: return parameter.s ? compareText(view, test, parameter.s) : test.op == image::Operator::NotEqual;
  }
  return false;
}

}  // namespace

Tri parameterMatches(const View &view, const Parameter &test, const Request &request) {
  const FunctionFacts &function = facts(request.function);
  const int index = findArgument(function, test.nameId);
  if (index < 0 || function.args[index].type != ArgType::TypedParams || function.args[index].count < 0) return Tri::No;
  const auto *parameters = static_cast<const TypedParameter *>(request.args[index].p);
  const int64_t count = request.args[function.args[index].count].i;
  if (parameters == nullptr || count <= 0) return Tri::No;
  if (count > kMaxParameters) return Tri::Unknown;
  Tally tally;
  for (int64_t i = 0; i < count; ++i) {
    if (globMatches(view, test.field, fieldOf(parameters[i]))) tally.count(satisfies(view, test, parameters[i]));
  }
  return tally.result(false);
}

}  // namespace virtshim::policy
