// virTypedParameter of libvirt-common.h: part of libvirt's ABI since 0.9.0.
#pragma once

#include "api/facts.h"

namespace virtshim {

enum class TypedParameterType : int { Int = 1, UInt, LongLong, ULongLong, Double, Boolean, String };

constexpr int kTypedFieldSize = 80;

// What libvirt takes in one call at most.
constexpr int kMaxTypedParameters = 1024;

struct TypedParameter {
  char field[kTypedFieldSize];  // ends in NUL where the caller is honest
  int type;
  union {
    int i;
    unsigned int ui;
    long long l;
    unsigned long long ul;
    double d;
    char b;
    const char *s;
  };
};
static_assert(sizeof(TypedParameter) == 96);

// How many there are behind an argument that the function reads them from; 0 where there are none, or too many.
inline int typedParameterCount(const FunctionFacts &function, const ArgSlot *args, int index) {
  const ArgFacts &arg = function.args[index];
  if (arg.type != ArgType::TypedParams || arg.count < 0 || !args[index].p) return 0;
  const int64_t count = args[arg.count].i;
  return count > 0 && count <= kMaxTypedParameters ? static_cast<int>(count) : 0;
}

}  // namespace virtshim
