// The arguments of libvirt's callbacks as the generated C functions describe them, and the public structs that they
// point to.
#pragma once

#include <cstddef>
#include <cstdint>

#include "api/facts.h"
#include "api/typed_parameter.h"

namespace virtshim::addon {

// virDomainEventGraphicsAddress. Strings of all these may be nullptr.
struct GraphicsAddress {
  int family;
  const char *node, *service;
};

// virDomainEventGraphicsSubjectIdentity
struct GraphicsIdentity {
  const char *type, *name;
};

// virDomainEventGraphicsSubject
struct GraphicsSubject {
  int count;
  const GraphicsIdentity *identities;
};

// virConnectCredential
struct Credential {
  int type;
  const char *prompt, *challenge, *defaultResult;
  char *result;
  unsigned int resultLength;
};

struct CallbackValue {
  enum class Kind : uint8_t {
    Borrowed,  // an address that is lent
    Object,    // an object that the listener will own
    Integer,
    Natural,
    Mask,  // bits of which those of a later call may be added
    Text,
    Bytes,
    GraphicsAddress,
    GraphicsSubject,
    TypedParams,
    Credentials,
    Error,
  };

  static CallbackValue borrowed(const void *p) { return pointer(Kind::Borrowed, p); }
  static CallbackValue object(ObjectKind kind, const void *p) { return pointer(Kind::Object, p, 0, kind); }
  static CallbackValue integer(int64_t i) { return number(Kind::Integer, static_cast<uint64_t>(i)); }
  static CallbackValue natural(uint64_t u) { return number(Kind::Natural, u); }
  static CallbackValue mask(int bits) { return number(Kind::Mask, static_cast<uint64_t>(bits)); }
  static CallbackValue text(const char *s) { return pointer(Kind::Text, s); }
  static CallbackValue bytes(const void *p, size_t size) { return pointer(Kind::Bytes, p, size); }
  static CallbackValue graphicsAddress(const void *p) { return pointer(Kind::GraphicsAddress, p); }
  static CallbackValue graphicsSubject(const void *p) { return pointer(Kind::GraphicsSubject, p); }
  static CallbackValue typedParams(const void *p, int count) { return array(Kind::TypedParams, p, count); }
  static CallbackValue credentials(const void *p, unsigned count) {
    return pointer(Kind::Credentials, p, p == nullptr ? 0 : count);
  }
  static CallbackValue error(const void *p) { return pointer(Kind::Error, p); }

  template <typename T>
  const T *as() const {
    return static_cast<const T *>(p);
  }

  Kind kind;
  ObjectKind objectKind;
  size_t count;  // elements that p points to, where they are many
  union {
    uint64_t u;
    const void *p;
  };

 private:
  static CallbackValue pointer(Kind kind, const void *p, size_t count = 0, ObjectKind object = ObjectKind::None) {
    CallbackValue value = {kind, object, count, {}};
    value.p = p;
    return value;
  }

  static CallbackValue array(Kind kind, const void *p, int count) {
    return pointer(kind, p, p == nullptr || count < 0 ? 0 : static_cast<size_t>(count));
  }

  static CallbackValue number(Kind kind, uint64_t u) { return {kind, ObjectKind::None, 0, {u}}; }
};

}  // namespace virtshim::addon
