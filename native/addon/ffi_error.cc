#include "addon/ffi_error.h"

#include "addon/ffi_library.h"

namespace virtshim::addon {

const LibvirtError *lastLibvirtError() {
  using Get = const LibvirtError *(*)();
  const auto get = reinterpret_cast<Get>(shimFunction(FunctionId::virGetLastError));
  const LibvirtError *error = get ? get() : nullptr;
  return error && error->code != 0 ? error : nullptr;
}

void resetLastLibvirtError() {
  if (auto reset = reinterpret_cast<void (*)()>(shimFunction(FunctionId::virResetLastError))) reset();
}

KeptError::KeptError(const LibvirtError &error)
    : message_(error.message), str1_(error.str1), str2_(error.str2), str3_(error.str3), error_(error) {
  error_.message = message_.get();
  error_.str1 = str1_.get();
  error_.str2 = str2_.get();
  error_.str3 = str3_.get();
}

std::unique_ptr<const KeptError> takeLastError() {
  const LibvirtError *error = lastLibvirtError();
  if (!error) return nullptr;
  auto kept = std::make_unique<const KeptError>(*error);
  resetLastLibvirtError();
  return kept;
}

}  // namespace virtshim::addon
