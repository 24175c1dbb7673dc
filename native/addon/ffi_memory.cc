// Memory that libvirt gave, read and freed from JavaScript. The addresses are the caller's responsibility.
#include <cstdlib>
#include <cstring>

#include "addon/exports.h"
#include "addon/ffi_values.h"

namespace virtshim::addon {

namespace {

// A count or size: a whole number from 0 to `max`. False with a pending TypeError.
bool sizeFromValue(Napi::Env env, Napi::Value value, const char *what, double max, size_t *size) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  *size = number >= 0 && number <= max ? static_cast<size_t>(number) : 0;
  if (static_cast<double>(*size) == number) return true;
  Napi::TypeError::New(env, std::string(what) + " must be a whole number that fits into memory")
      .ThrowAsJavaScriptException();
  return false;
}

constexpr double kMaxBytes = 1 << 30;

// readString(pointer) -> string; null for NULL
Napi::Value readString(const Napi::CallbackInfo &info) {
  void *pointer;
  if (!pointerFromValue(info.Env(), info[0], "`pointer`", &pointer)) return info.Env().Undefined();
  if (!pointer) return info.Env().Null();
  return Napi::String::New(info.Env(), static_cast<const char *>(pointer));
}

// readMemory(pointer, size) -> a copy
Napi::Value readMemory(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  void *pointer;
  size_t size;
  if (!pointerFromValue(env, info[0], "`pointer`", &pointer)) return env.Undefined();
  if (!sizeFromValue(env, info[1], "`size`", pointer ? kMaxBytes : 0, &size)) return env.Undefined();
  Napi::Uint8Array copy = Napi::Uint8Array::New(env, size);
  if (size > 0) memcpy(copy.Data(), pointer, size);
  return copy;
}

// readPointer(pointer) -> what stands there
Napi::Value readPointer(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  void *pointer;
  if (!pointerFromValue(env, info[0], "`pointer`", &pointer)) return env.Undefined();
  return {env, pointerValue(env, pointer ? *static_cast<void **>(pointer) : nullptr)};
}

// readPointers(pointer, count) -> the elements of an array
Napi::Value readPointers(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  void *pointer;
  size_t count;
  if (!pointerFromValue(env, info[0], "`pointer`", &pointer)) return env.Undefined();
  if (!sizeFromValue(env, info[1], "`count`", pointer ? kMaxBytes / sizeof(void *) : 0, &count)) return env.Undefined();
  Napi::Array list = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; ++i) list.Set(i, pointerValue(env, static_cast<void **>(pointer)[i]));
  return list;
}

// free(pointer): what C's malloc gave
Napi::Value freeMemory(const Napi::CallbackInfo &info) {
  void *pointer;
  if (pointerFromValue(info.Env(), info[0], "`pointer`", &pointer)) free(pointer);
  return info.Env().Undefined();
}

}  // namespace

void exportMemory(Napi::Env env, Napi::Object exports) {
  exports.Set("readString", Napi::Function::New<readString>(env, "readString"));
  exports.Set("readMemory", Napi::Function::New<readMemory>(env, "readMemory"));
  exports.Set("readPointer", Napi::Function::New<readPointer>(env, "readPointer"));
  exports.Set("readPointers", Napi::Function::New<readPointers>(env, "readPointers"));
  exports.Set("free", Napi::Function::New<freeMemory>(env, "free"));
}

}  // namespace virtshim::addon
