// Comparisons of one value, the same for arguments, typed parameters and facts of XML.
#pragma once

#include "policy/glob_match.h"
#include "policy/policy.h"

namespace virtshim::policy {

// Wide enough for every signed and unsigned number, so that a negative one is less than any unsigned operand.
using Wide = __int128;

// Numbers that C has as double, compared with integers: long double has every bit of both.
using Real = long double;

template <typename T>
Wide operandOf(const T &test) {
  return test.operand == image::Operand::Signed ? Wide{static_cast<int64_t>(test.value)} : Wide{test.value};
}

template <typename Number>
bool inOrder(image::Operator op, Number value, Number operand) {
  using image::Operator;
  switch (op) {
    case Operator::Equal: return value == operand;
    case Operator::NotEqual: return value != operand;
    case Operator::Less: return value < operand;
    case Operator::LessOrEqual: return value <= operand;
    case Operator::Greater: return value > operand;
    case Operator::GreaterOrEqual: return value >= operand;
    default: return false;
  }
}

// `bits` are those of the value as it was passed.
template <typename T>
bool compareNumber(const T &test, Wide value, uint64_t bits) {
  using image::Operator;
  switch (test.op) {
    case Operator::HasAny: return (bits & test.value) != 0;
    case Operator::HasAll: return (bits & test.value) == test.value;
    case Operator::HasNone: return (bits & test.value) == 0;
    default: return inOrder(test.op, value, operandOf(test));
  }
}

// A number that is not one is equal, less and greater than none; a comparison with it never holds but for `notEqual`.
template <typename T>
bool compareReal(const T &test, double value) {
  return inOrder(test.op, Real{value}, static_cast<Real>(operandOf(test)));
}

template <typename T>
bool compareText(const image::View &view, const T &test, std::string_view text) {
  return globMatches(view, test.glob, text) != (test.op == image::Operator::NotEqual);
}

// How many of several values satisfy a test. All: it holds. Some: it holds in deny rules only, as what is unknown does;
// else a second disk or a field that is given twice would slip through. No value: it holds in no rule, negated or not.
class Tally {
 public:
  void count(bool satisfied) {
    ++values_;
    satisfied_ += satisfied;
  }

  Tri result(bool negated) const {
    const uint64_t wanted = negated ? values_ - satisfied_ : satisfied_;
    if (wanted == 0) return Tri::No;
    return wanted == values_ ? Tri::Yes : Tri::Unknown;
  }

 private:
  uint64_t values_ = 0;
  uint64_t satisfied_ = 0;
};

}  // namespace virtshim::policy
