#include "addon/callback_js.h"

#include <algorithm>
#include <cstring>

#include "addon/ffi_error.h"
#include "addon/ffi_values.h"

namespace virtshim::addon {

namespace {

using Kind = CallbackValue::Kind;

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;

Napi::Value signedToJs(Napi::Env env, int64_t i) {
  if (i > kMaxSafeInteger || i < -kMaxSafeInteger) return Napi::BigInt::New(env, i);
  return Napi::Number::New(env, static_cast<double>(i));
}

Napi::Value unsignedToJs(Napi::Env env, uint64_t u) {
  if (u > static_cast<uint64_t>(kMaxSafeInteger)) return Napi::BigInt::New(env, u);
  return Napi::Number::New(env, static_cast<double>(u));
}

Napi::Value textToJs(Napi::Env env, const char *text) {
  return text == nullptr ? env.Null() : Napi::Value(Napi::String::New(env, text));
}

Napi::Value bytesToJs(Napi::Env env, const CallbackValue &value) {
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, value.count);
  std::copy_n(value.as<uint8_t>(), value.count, bytes.Data());
  return bytes;
}

Napi::Value graphicsAddressToJs(Napi::Env env, const GraphicsAddress &address) {
  Napi::Object object = Napi::Object::New(env);
  object["family"] = Napi::Number::New(env, address.family);
  object["node"] = textToJs(env, address.node);
  object["service"] = textToJs(env, address.service);
  return object;
}

Napi::Value graphicsSubjectToJs(Napi::Env env, const GraphicsSubject &subject) {
  Napi::Array identities = Napi::Array::New(env, static_cast<size_t>(subject.count));
  for (int i = 0; i < subject.count; ++i) {
    Napi::Object identity = Napi::Object::New(env);
    identity["type"] = textToJs(env, subject.identities[i].type);
    identity["name"] = textToJs(env, subject.identities[i].name);
    identities[static_cast<uint32_t>(i)] = identity;
  }
  Napi::Object object = Napi::Object::New(env);
  object["identities"] = identities;
  return object;
}

Napi::Value paramToJs(Napi::Env env, const TypedParameter &param) {
  switch (static_cast<TypedParameterType>(param.type)) {
    case TypedParameterType::Int: return Napi::Number::New(env, param.i);
    case TypedParameterType::UInt: return Napi::Number::New(env, param.ui);
    case TypedParameterType::LongLong: return signedToJs(env, param.l);
    case TypedParameterType::ULongLong: return unsignedToJs(env, param.ul);
    case TypedParameterType::Double: return Napi::Number::New(env, param.d);
    case TypedParameterType::Boolean: return Napi::Boolean::New(env, param.b != 0);
    case TypedParameterType::String: return textToJs(env, param.s);
  }
  return env.Null();  // of a type that came with a later libvirt
}

// A field that comes several times is an array.
void addParam(Napi::Object object, const Napi::String &field, const Napi::Value &value) {
  if (!object.HasOwnProperty(field)) {
    object.Set(field, value);
    return;
  }
  const Napi::Value present = object.Get(field);
  Napi::Array all = present.IsArray() ? present.As<Napi::Array>() : Napi::Array::New(object.Env());
  if (!present.IsArray()) all.Set(uint32_t{0}, present);
  all.Set(all.Length(), value);
  object.Set(field, all);
}

Napi::Value paramsToJs(Napi::Env env, const TypedParameter *params, size_t count) {
  Napi::Object object = Napi::Object::New(env);
  for (size_t i = 0; i < count; ++i) {
    const char *field = params[i].field;
    addParam(object, Napi::String::New(env, field, strnlen(field, sizeof params[i].field)), paramToJs(env, params[i]));
  }
  return object;
}

Napi::Value credentialsToJs(Napi::Env env, const Credential *credentials, size_t count) {
  Napi::Array array = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; ++i) {
    Napi::Object object = Napi::Object::New(env);
    object["type"] = Napi::Number::New(env, credentials[i].type);
    object["prompt"] = textToJs(env, credentials[i].prompt);
    object["challenge"] = textToJs(env, credentials[i].challenge);
    object["defresult"] = textToJs(env, credentials[i].defaultResult);
    array[static_cast<uint32_t>(i)] = object;
  }
  return array;
}

Napi::Value structToJs(Napi::Env env, const CallbackValue &value) {
  switch (value.kind) {
    case Kind::GraphicsAddress: return graphicsAddressToJs(env, *value.as<GraphicsAddress>());
    case Kind::GraphicsSubject: return graphicsSubjectToJs(env, *value.as<GraphicsSubject>());
    case Kind::Error: return {env, errorObject(env, value.as<LibvirtError>())};
    default: return {env, pointerValue(env, value.p)};
  }
}

}  // namespace

Napi::Value callbackValueToJs(Napi::Env env, const CallbackValue &value) {
  switch (value.kind) {
    case Kind::Integer:
    case Kind::Mask: return signedToJs(env, static_cast<int64_t>(value.u));
    case Kind::Natural: return unsignedToJs(env, value.u);
    case Kind::Text: return textToJs(env, value.as<char>());
    case Kind::Bytes: return bytesToJs(env, value);
    case Kind::TypedParams: return paramsToJs(env, value.as<TypedParameter>(), value.count);
    case Kind::Credentials: return credentialsToJs(env, value.as<Credential>(), value.count);
    default: return value.p == nullptr ? env.Null() : structToJs(env, value);
  }
}

}  // namespace virtshim::addon
