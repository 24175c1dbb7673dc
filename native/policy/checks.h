// Which permission checks a call needs, as a mask (bit i = facts(function).checks[i]).
#pragma once

#include "api/facts.h"
#include "policy/image.h"

namespace virtshim::policy {

inline bool isActive(const AclCheck &check, const ArgSlot *args) {
  if (check.condition == FlagCondition::Always) return true;
  const uint32_t value = static_cast<uint32_t>(args[check.arg].u);
  switch (check.condition) {
    case FlagCondition::AllSet: return (value & check.mask) == check.mask;
    case FlagCondition::NoneSet: return (value & check.mask) == 0;
    case FlagCondition::Equals: return value == check.mask;
    default: return true;
  }
}

// The checks of a call with these arguments. A call that needs no permission has the implicit check, so that there is
// always something for a rule on the function or its set to cover.
inline uint16_t activeChecks(const FunctionFacts &function, const ArgSlot *args) {
  uint16_t active = 0;
  for (int i = 0; i < function.checkCount; ++i) {
    if (isActive(function.checks[i], args)) active |= static_cast<uint16_t>(1u << i);
  }
  return active != 0 ? active : image::kImplicitCheck;
}

// Every check that some call of the function needs.
inline uint16_t possibleChecks(const FunctionFacts &function) {
  bool always = false;
  for (int i = 0; i < function.checkCount; ++i) {
    always = always || function.checks[i].condition == FlagCondition::Always;
  }
  const uint16_t all = static_cast<uint16_t>((1u << function.checkCount) - 1);
  return always ? all : static_cast<uint16_t>(all | image::kImplicitCheck);
}

}  // namespace virtshim::policy
