#include "addon/js_request.h"

#include <algorithm>

namespace virtshim::addon {

namespace {

Napi::Object objectAt(const Napi::Object &from, const char *key) {
  const Napi::Value value = from.Get(key);
  return value.IsObject() ? value.As<Napi::Object>() : Napi::Object::New(from.Env());
}

ObjectKind kindNamed(const std::string &name, std::string *problem) {
  for (int i = 0; i < kObjectKindCount; ++i) {
    if (name == kObjectKindNames[i]) return static_cast<ObjectKind>(i);
  }
  *problem = "unknown kind of resource `" + name + "`";
  return ObjectKind::None;
}

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

JsFacts::JsFacts(const Napi::Object &request, ObjectKind defaultKind, std::string *problem) : kind_(defaultKind) {
  const Napi::Value uid = request.Get("uid");
  if (uid.IsNumber()) uid_ = uid.As<Napi::Number>().Uint32Value();
  const Napi::Value gids = request.Get("gids");
  if (gids.IsArray()) {
    const Napi::Array list = gids.As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); ++i) gids_.push_back(list.Get(i).ToNumber().Uint32Value());
  }
  const Napi::Object connection = objectAt(request, "connection");
  uri_ = textOf(connection, "uri");
  driver_ = textOf(connection, "driver");
  const Napi::Value readOnly = connection.Get("readOnly");
  if (readOnly.IsBoolean()) readOnly_ = readOnly.As<Napi::Boolean>().Value() ? policy::Tri::Yes : policy::Tri::No;
  const Napi::Object resource = objectAt(request, "resource");
  const Text kind = textOf(resource, "kind");
  if (kind.known) kind_ = kindNamed(kind.value, problem);
  name_ = textOf(resource, "name");
  uuid_ = textOf(resource, "uuid");
}

bool JsFacts::inGroup(uint32_t gid) { return std::find(gids_.begin(), gids_.end(), gid) != gids_.end(); }

JsFacts::Text JsFacts::textOf(const Napi::Object &from, const char *key) {
  const Napi::Value value = from.Get(key);
  Text text;
  if (value.IsString()) {
    text = {true, value.As<Napi::String>().Utf8Value()};
  } else if (value.IsTypedArray()) {
    // Names of libvirt objects are bytes, which need not be text.
    const Napi::Uint8Array bytes = value.As<Napi::Uint8Array>();
    text = {true, std::string(reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength())};
  }
  return text;
}

JsArguments::JsArguments(const FunctionFacts &function, const Napi::Object &args, std::string *problem) {
  const Napi::Array names = args.GetPropertyNames();
  for (uint32_t n = 0; n < names.Length(); ++n) {
    const std::string name = names.Get(n).ToString().Utf8Value();
    int index = 0;
    while (index < function.argCount && name != function.args[index].name) ++index;
    if (index < function.argCount) {
      set(function.args[index], index, args.Get(name), problem);
    } else {
      *problem = "`" + std::string(function.name) + "` has no argument `" + name + "`";
    }
  }
}

void JsArguments::set(const ArgFacts &arg, int index, const Napi::Value &value, std::string *problem) {
  bool lossless = false;
  if (value.IsNumber()) {
    slots_[index].i = value.As<Napi::Number>().Int64Value();
  } else if (value.IsBigInt()) {
    slots_[index].u = value.As<Napi::BigInt>().Uint64Value(&lossless);
  } else if (value.IsString() && arg.type == ArgType::String) {
    slots_[index].p = keepText(value.As<Napi::String>().Utf8Value());
  } else if (value.IsString() && arg.type == ArgType::Uuid) {
    slots_[index].p = keepUuid(value.As<Napi::String>().Utf8Value(), problem);
  } else if (!value.IsNull() && !value.IsUndefined()) {
    *problem = "argument `" + std::string(arg.name) + "` cannot be given like this";
  }
}

const void *JsArguments::keepText(const std::string &text) { return texts_.emplace_back(text).c_str(); }

const void *JsArguments::keepUuid(const std::string &text, std::string *problem) {
  std::string bytes;
  int nibbles = 0;
  for (const char c : text) {
    const int value = hexValue(c);
    if (value < 0) continue;
    if (nibbles++ % 2 == 0) {
      bytes.push_back(static_cast<char>(value << 4));
    } else {
      bytes.back() = static_cast<char>(bytes.back() | value);
    }
  }
  if (nibbles != 32) *problem = "`" + text + "` is not a uuid";
  bytes.resize(16);
  return texts_.emplace_back(bytes).data();
}

}  // namespace virtshim::addon
