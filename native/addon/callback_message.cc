#include "addon/callback_message.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "addon/ffi_error.h"
#include "addon/ffi_library.h"

namespace virtshim::addon {

namespace {

using Kind = CallbackValue::Kind;

// Hands out memory piece by piece; without any, it measures how much will be needed.
class Arena {
 public:
  explicit Arena(char *memory) : memory_(memory) {}

  size_t used() const { return used_; }

  const void *bytes(const void *from, size_t size) {
    char *to = take(size);
    return to == nullptr ? nullptr : memcpy(to, from, size);
  }

  const char *text(const char *from) {
    return from == nullptr ? nullptr : static_cast<const char *>(bytes(from, strlen(from) + 1));
  }

  template <typename T>
  const T *one(const T &from) {
    return static_cast<const T *>(bytes(&from, sizeof from));
  }

  // `copyOne` makes the copy of one element.
  template <typename T, typename F>
  const T *array(const T *from, size_t count, F copyOne) {
    T *to = reinterpret_cast<T *>(take(count * sizeof(T)));
    for (size_t i = 0; i < count; ++i) {
      const T copy = copyOne(from[i]);
      if (to != nullptr) to[i] = copy;
    }
    return to;
  }

 private:
  char *take(size_t size) {
    char *piece = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    return piece;
  }

  char *memory_;
  size_t used_ = 0;
};

const void *copyAddress(Arena &arena, const GraphicsAddress &from) {
  return arena.one(GraphicsAddress{from.family, arena.text(from.node), arena.text(from.service)});
}

const void *copySubject(Arena &arena, const GraphicsSubject &from) {
  const int count = from.identities == nullptr ? 0 : std::max(from.count, 0);
  const auto copyOne = [&](const GraphicsIdentity &identity) {
    return GraphicsIdentity{arena.text(identity.type), arena.text(identity.name)};
  };
  return arena.one(GraphicsSubject{count, arena.array(from.identities, static_cast<size_t>(count), copyOne)});
}

const void *copyParams(Arena &arena, const TypedParameter *from, size_t count) {
  return arena.array(from, count, [&](const TypedParameter &param) {
    TypedParameter copy = param;
    if (param.type == static_cast<int>(TypedParameterType::String)) copy.s = arena.text(param.s);
    return copy;
  });
}

const void *copyCredentials(Arena &arena, const Credential *from, size_t count) {
  return arena.array(from, count, [&](const Credential &credential) {
    return Credential{credential.type,
                      arena.text(credential.prompt),
                      arena.text(credential.challenge),
                      arena.text(credential.defaultResult),
                      nullptr,
                      0};
  });
}

const void *copyError(Arena &arena, const LibvirtError &from) {
  LibvirtError copy = from;
  copy.message = arena.text(from.message);
  copy.str1 = arena.text(from.str1);
  copy.str2 = arena.text(from.str2);
  copy.str3 = arena.text(from.str3);
  return arena.one(copy);
}

const void *copyOfTarget(Arena &arena, const CallbackValue &value) {
  switch (value.kind) {
    case Kind::Text: return arena.text(value.as<char>());
    case Kind::Bytes: return arena.bytes(value.p, value.count);
    case Kind::GraphicsAddress: return copyAddress(arena, *value.as<GraphicsAddress>());
    case Kind::GraphicsSubject: return copySubject(arena, *value.as<GraphicsSubject>());
    case Kind::TypedParams: return copyParams(arena, value.as<TypedParameter>(), value.count);
    case Kind::Credentials: return copyCredentials(arena, value.as<Credential>(), value.count);
    case Kind::Error: return copyError(arena, *value.as<LibvirtError>());
    default: return value.p;
  }
}

bool pointsToMemory(Kind kind) {
  return kind != Kind::Borrowed && kind != Kind::Object && kind != Kind::Integer && kind != Kind::Natural &&
         kind != Kind::Mask;
}

CallbackValue copyValue(Arena &arena, const CallbackValue &from) {
  CallbackValue copy = from;
  if (pointsToMemory(from.kind) && from.p != nullptr) copy.p = copyOfTarget(arena, from);
  return copy;
}

struct KindFunctions {
  FunctionId reference, release;
};

// Only the kinds that events tell of.
KindFunctions functionsOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::Domain: return {FunctionId::virDomainRef, FunctionId::virDomainFree};
    case ObjectKind::Network: return {FunctionId::virNetworkRef, FunctionId::virNetworkFree};
    case ObjectKind::StoragePool: return {FunctionId::virStoragePoolRef, FunctionId::virStoragePoolFree};
    case ObjectKind::NodeDevice: return {FunctionId::virNodeDeviceRef, FunctionId::virNodeDeviceFree};
    case ObjectKind::Secret: return {FunctionId::virSecretRef, FunctionId::virSecretFree};
    case ObjectKind::Stream: return {FunctionId::virStreamRef, FunctionId::virStreamFree};
    default: return {kNoFunction, kNoFunction};
  }
}

// Calls vir*Ref or vir*Free; false where it fails or is not there.
bool callOn(FunctionId function, const void *object) {
  void *found = function == kNoFunction ? nullptr : shimFunction(function);
  return found != nullptr && reinterpret_cast<int (*)(const void *)>(found)(object) >= 0;
}

void takeReference(CallbackValue &value) {
  if (value.kind != Kind::Object || value.p == nullptr) return;
  if (!callOn(functionsOf(value.objectKind).reference, value.p)) value.p = nullptr;
}

void giveBack(const CallbackValue &value) {
  if (value.kind == Kind::Object && value.p != nullptr) callOn(functionsOf(value.objectKind).release, value.p);
}

}  // namespace

CallbackMessage *CallbackMessage::copy(uint64_t registration, uint64_t request, const CallbackValue *values,
                                       int count) {
  const size_t head = sizeof(CallbackMessage) + static_cast<size_t>(count) * sizeof(CallbackValue);
  Arena measure(nullptr);
  for (int i = 0; i < count; ++i) copyValue(measure, values[i]);
  static_assert(sizeof(CallbackMessage) % alignof(CallbackValue) == 0, "the values follow the message");
  const size_t aligned = (head + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
  char *memory = static_cast<char *>(malloc(aligned + measure.used()));
  if (memory == nullptr) return nullptr;
  auto *message = new (memory) CallbackMessage(registration, request, count);
  Arena arena(memory + aligned);
  for (int i = 0; i < count; ++i) {
    message->values()[i] = copyValue(arena, values[i]);
    takeReference(message->values()[i]);
  }
  return message;
}

CallbackMessage *CallbackMessage::farewell(uint64_t registration) {
  CallbackMessage *message = copy(registration, 0, nullptr, 0);
  if (message != nullptr) message->isFarewell_ = true;
  return message;
}

void CallbackMessage::release(CallbackMessage *message) {
  for (int i = 0; i < message->count_ && !message->handedOn_; ++i) giveBack(message->values()[i]);
  free(message);
}

void CallbackMessage::setMask(int bits) {
  for (int i = 0; i < count_; ++i) {
    if (values()[i].kind == Kind::Mask) values()[i].u = static_cast<uint64_t>(bits);
  }
}

}  // namespace virtshim::addon
