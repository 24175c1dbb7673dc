#include "policy/parameter_match.h"

#include <cstring>

#include "api/typed_parameter.h"
#include "policy/argument_match.h"
#include "policy/compare.h"

namespace virtshim::policy {

namespace {

using image::Parameter;
using image::View;

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

// The parameters that the call brings along; `count` below 0: more than can be.
const TypedParameter *parametersOf(const Parameter &test, const Request &request, int64_t *count) {
  const FunctionFacts &function = facts(request.function);
  const int index = findArgument(function, test.nameId);
  *count = 0;
  if (index < 0 || function.args[index].type != ArgType::TypedParams || function.args[index].count < 0) return nullptr;
  const auto *parameters = static_cast<const TypedParameter *>(request.args[index].p);
  const int64_t given = request.args[function.args[index].count].i;
  if (parameters != nullptr && given > 0) *count = given > kMaxTypedParameters ? -1 : given;
  return parameters;
}

void handOut(const TypedParameter &parameter, XmlValues *out) {
  using Type = TypedParameterType;
  switch (static_cast<Type>(parameter.type)) {
    case Type::Int: return out->number(parameter.i);
    case Type::UInt: return out->number(parameter.ui);
    case Type::LongLong: return out->number(parameter.l);
    case Type::ULongLong: return out->number(static_cast<int64_t>(parameter.ul));
    case Type::Double: return out->number(static_cast<int64_t>(parameter.d));
    case Type::Boolean: return out->number(parameter.b != 0);
    case Type::String: return out->text(parameter.s ? parameter.s : "");
  }
}

}  // namespace

Tri parameterMatches(const View &view, const Parameter &test, bool negated, const Request &request) {
  int64_t count;
  const TypedParameter *parameters = parametersOf(test, request, &count);
  if (count < 0) return Tri::Unknown;
  Tally tally;
  for (int64_t i = 0; i < count; ++i) {
    if (globMatches(view, test.field, fieldOf(parameters[i]))) tally.count(satisfies(view, test, parameters[i]));
  }
  return tally.result(negated);
}

void parameterValues(const View &view, const Parameter &test, const Request &request, XmlValues *out) {
  int64_t count;
  const TypedParameter *parameters = parametersOf(test, request, &count);
  for (int64_t i = 0; i < count; ++i) {
    if (globMatches(view, test.field, fieldOf(parameters[i]))) handOut(parameters[i], out);
  }
}

}  // namespace virtshim::policy
