#include "libvirt/errors.h"

#include <cstddef>

#include "libvirt/real.h"

namespace virtshim {
namespace {

// Private but exported since long before libvirt 1.0; virSetError is the fallback.
using RaiseErrorFull = void (*)(const char *file, const char *function, size_t line, int domain, int code, int level,
                                const char *str1, const char *str2, const char *str3, int int1, int int2,
                                const char *format, ...);
using DispatchError = void (*)(void *connect);
using SetError = int (*)(const void *error);

constexpr int kLevelError = 2;

// struct _virError in full, for virSetError. Its layout is part of libvirt's ABI.
struct FullError {
  VirError head;
  void *connect;
  void *domain;
  const char *str1, *str2, *str3;
  int int1, int2;
  void *network;
};

template <typename F>
F privateFunction(std::atomic<void *> *cache, const char *name) {
  return reinterpret_cast<F>(findPrivate(cache, name));
}

std::atomic<void *> raiseErrorFull, dispatchError, setError;

SetError findSetError() { return privateFunction<SetError>(&setError, "virSetError"); }

}  // namespace

void raiseError(void *connection, int domain, int code, const char *function, const char *message, const char *str2,
                const char *str3) {
  // The last error lives in memory that virInitialize sets up: refusing the very first call must not touch it earlier.
  auto initialize = real<int (*)()>(FunctionId::virInitialize);
  if (!initialize || initialize() < 0) return;
  auto raise = privateFunction<RaiseErrorFull>(&raiseErrorFull, "virRaiseErrorFull");
  auto dispatch = privateFunction<DispatchError>(&dispatchError, "virDispatchError");
  if (raise && dispatch) {
    raise("virtshim", function, 0, domain, code, kLevelError, message, str2, str3, -1, -1, "%s", message);
    dispatch(connection);
    return;
  }
  FullError error = {};
  error.head = {code, domain, const_cast<char *>(message), kLevelError};
  error.str1 = message;
  error.str2 = str2;
  error.str3 = str3;
  if (SetError set = findSetError()) set(&error);
}

const VirError *lastError() {
  auto get = real<const VirError *(*)()>(FunctionId::virGetLastError);
  const VirError *error = get ? get() : nullptr;
  return error && error->code ? error : nullptr;
}

ErrorGuard::ErrorGuard() : saved_(nullptr) {
  if (!lastError()) return;
  if (auto save = real<void *(*)()>(FunctionId::virSaveLastError)) saved_ = save();
}

ErrorGuard::~ErrorGuard() {
  if (!saved_) return;
  if (SetError set = findSetError()) set(saved_);
  if (auto release = real<void (*)(void *)>(FunctionId::virFreeError)) release(saved_);
}

}  // namespace virtshim
