// virTypedParameter of libvirt-common.h: part of libvirt's ABI since 0.9.0.
#pragma once

namespace virtshim {

enum class TypedParameterType : int { Int = 1, UInt, LongLong, ULongLong, Double, Boolean, String };

constexpr int kTypedFieldSize = 80;

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

}  // namespace virtshim
