#include "addon/ffi_values.h"

#include <algorithm>
#include <cstring>

namespace virtshim::addon {

namespace {

constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;
constexpr size_t kHeader = 16;

// One value of JavaScript on its way into a job.
struct Incoming {
  enum class Kind : uint8_t { Scalar, Text, Bytes } kind = Kind::Scalar;
  ArgSlot slot = {};
  size_t size = 0;  // of text without its NUL, of bytes
  const void *bytes = nullptr;
  napi_value value = nullptr;

  // What it takes in the job: its size, itself and a NUL, aligned for any struct.
  size_t room() const { return kind == Kind::Scalar ? 0 : (kHeader + size + 1 + kHeader - 1) & ~(kHeader - 1); }
};

// How many bytes were placed at `copy`.
size_t sizeAt(const void *copy) {
  size_t size;
  memcpy(&size, static_cast<const char *>(copy) - kHeader, sizeof size);
  return size;
}

bool isInteger(ArgType type) { return type <= ArgType::Size; }

// Whether the function may write through the pointer.
bool isWritable(ArgType type) { return type == ArgType::Out || type == ArgType::Opaque; }

bool fromNumber(napi_env env, ArgType type, Incoming *out) {
  double number = 0;
  napi_get_value_double(env, out->value, &number);
  if (type == ArgType::Double) {
    out->slot.d = number;
    return true;
  }
  const bool whole = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
  if (!isInteger(type) || !whole) return false;
  out->slot.i = static_cast<int64_t>(number);
  return static_cast<double>(out->slot.i) == number;
}

bool fromBigint(napi_env env, ArgType type, Incoming *out) {
  if (type == ArgType::Double) return false;
  bool lossless = false;
  napi_get_value_bigint_uint64(env, out->value, &out->slot.u, &lossless);
  if (lossless || !isInteger(type)) return lossless;
  napi_get_value_bigint_int64(env, out->value, &out->slot.i, &lossless);
  return lossless;
}

bool fromString(napi_env env, ArgType type, Incoming *out) {
  out->kind = Incoming::Kind::Text;
  napi_get_value_string_utf8(env, out->value, nullptr, 0, &out->size);
  return !isInteger(type) && type != ArgType::Double;
}

bool fromBytes(napi_env env, ArgType type, Incoming *out) {
  bool isArray = false;
  napi_is_typedarray(env, out->value, &isArray);
  if (!isArray || isInteger(type) || type == ArgType::Double) return false;
  napi_typedarray_type kind = napi_int8_array;
  void *bytes = nullptr;
  napi_get_typedarray_info(env, out->value, &kind, &out->size, &bytes, nullptr, nullptr);
  out->kind = Incoming::Kind::Bytes;
  out->bytes = bytes;
  return kind == napi_uint8_array;
}

bool fromNull(ArgType type) { return !isInteger(type) && type != ArgType::Double; }

bool readValue(napi_env env, ArgType type, Incoming *out) {
  napi_valuetype kind = napi_undefined;
  napi_typeof(env, out->value, &kind);
  switch (kind) {
    case napi_number: return fromNumber(env, type, out);
    case napi_bigint: return fromBigint(env, type, out);
    case napi_string: return fromString(env, type, out);
    case napi_object: return fromBytes(env, type, out);
    case napi_null: return fromNull(type);
    default: return false;
  }
}

const char *expectationOf(ArgType type) {
  if (type == ArgType::Double) return "a number";
  if (isInteger(type)) return "an integer (number or bigint)";
  return "a pointer (bigint), a string, a Uint8Array or null";
}

// Lists of strings and typed parameters come with their strings in one piece of memory: the addresses in the copy have
// to be those of the copy, because JavaScript's memory may go with its environment while the call is under way.
void relocate(char *copy, const Incoming &incoming) {
  const uintptr_t from = reinterpret_cast<uintptr_t>(incoming.bytes);
  for (size_t at = 0; at + sizeof(uintptr_t) <= incoming.size; at += sizeof(uintptr_t)) {
    uintptr_t word;
    memcpy(&word, copy + at, sizeof word);
    if (word < from || word - from >= incoming.size) continue;
    word = word - from + reinterpret_cast<uintptr_t>(copy);
    memcpy(copy + at, &word, sizeof word);
  }
}

// Copies into the job; false for a string that C would take to end earlier.
bool place(napi_env env, ArgType type, const Incoming &incoming, char *room, ArgSlot *slot) {
  if (incoming.kind == Incoming::Kind::Scalar) {
    *slot = incoming.slot;
    return true;
  }
  memcpy(room, &incoming.size, sizeof incoming.size);
  room += kHeader;
  slot->p = room;
  if (incoming.kind == Incoming::Kind::Bytes) {
    if (incoming.size > 0) memcpy(room, incoming.bytes, incoming.size);
    if (type == ArgType::StringList || type == ArgType::TypedParams) relocate(room, incoming);
    return true;
  }
  napi_get_value_string_utf8(env, incoming.value, room, incoming.size + 1, nullptr);
  return strlen(room) == incoming.size;
}

std::string argumentName(const FunctionFacts &function, int index) {
  return "`" + std::string(function.args[index].name) + "` of " + function.name;
}

Job *fail(Napi::Env env, const std::string &message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return nullptr;
}

napi_value integerValue(napi_env env, int64_t value) {
  napi_value result = nullptr;
  if (value >= -kMaxSafeInteger && value <= kMaxSafeInteger) {
    napi_create_int64(env, value, &result);
  } else {
    napi_create_bigint_int64(env, value, &result);
  }
  return result;
}

napi_value unsignedValue(napi_env env, uint64_t value) {
  if (value <= static_cast<uint64_t>(kMaxSafeInteger)) return integerValue(env, static_cast<int64_t>(value));
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, value, &result);
  return result;
}

napi_value nullValue(napi_env env) {
  napi_value result = nullptr;
  napi_get_null(env, &result);
  return result;
}

napi_value textValue(napi_env env, const char *text) {
  if (!text) return nullValue(env);
  napi_value result = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

}  // namespace

Job *jobFromValues(Napi::Env env, FunctionId id, const Napi::Array &values) {
  const FunctionFacts &function = facts(id);
  if (values.Length() != function.argCount) {
    const char *plural = function.argCount == 1 ? "" : "s";
    return fail(env, std::string(function.name) + " takes " + std::to_string(function.argCount) + " argument" + plural +
                         ", not " + std::to_string(values.Length()));
  }
  Incoming incoming[kMaxArgs];
  size_t room = 0;
  for (int i = 0; i < function.argCount; ++i) {
    // Fails in an environment that is being terminated; what it would throw is on its way already.
    if (napi_get_element(env, values, i, &incoming[i].value) != napi_ok) return nullptr;
    const ArgType type = function.args[i].type;
    if (!readValue(env, type, &incoming[i])) {
      return fail(env, argumentName(function, i) + " must be " + expectationOf(type));
    }
    room += incoming[i].room();
  }
  Job *job = Job::create(id, room);
  if (!job) return fail(env, "not enough memory for the arguments of " + std::string(function.name));
  char *next = job->extra();
  for (int i = 0; i < function.argCount; ++i) {
    if (!place(env, function.args[i].type, incoming[i], next, &job->args[i])) {
      Job::destroy(job);
      return fail(env, argumentName(function, i) + " must not contain a NUL character");
    }
    next += incoming[i].room();
  }
  return job;
}

bool hasWritableBytes(const Job &job) {
  const FunctionFacts &function = facts(job.id);
  for (int i = 0; i < function.argCount; ++i) {
    if (isWritable(function.args[i].type) && job.owns(job.args[i].p)) return true;
  }
  return false;
}

void copyBack(Napi::Env env, const Job &job, napi_value values) {
  const FunctionFacts &function = facts(job.id);
  for (int i = 0; i < function.argCount; ++i) {
    if (!isWritable(function.args[i].type) || !job.owns(job.args[i].p)) continue;
    Incoming target;
    if (napi_get_element(env, values, i, &target.value) != napi_ok || !readValue(env, ArgType::Out, &target)) continue;
    if (target.kind != Incoming::Kind::Bytes) continue;
    // Other code may have detached or resized the array meanwhile.
    const size_t size = std::min(target.size, sizeAt(job.args[i].p));
    if (size > 0) memcpy(const_cast<void *>(target.bytes), job.args[i].p, size);
  }
}

napi_value resultOf(napi_env env, const Job &job) {
  switch (facts(job.id).returns) {
    case ReturnType::Int:
    case ReturnType::LongLong: return integerValue(env, job.result.i);
    case ReturnType::UInt:
    case ReturnType::ULong:
    case ReturnType::ULongLong: return unsignedValue(env, job.result.u);
    case ReturnType::Pointer: return pointerValue(env, job.result.p);
    case ReturnType::String:
    case ReturnType::ConstString: return textValue(env, job.text);
    case ReturnType::Void: break;
  }
  return Napi::Env(env).Undefined();
}

napi_value errorObject(Napi::Env env, const LibvirtError *error) {
  if (!error) return env.Null();
  Napi::Object object = Napi::Object::New(env);
  object.Set("code", error->code);
  object.Set("domain", error->domain);
  object.Set("level", error->level);
  object.Set("message", textValue(env, error->message));
  object.Set("str1", textValue(env, error->str1));
  object.Set("str2", textValue(env, error->str2));
  object.Set("str3", textValue(env, error->str3));
  object.Set("int1", error->int1);
  object.Set("int2", error->int2);
  return object;
}

napi_value pointerValue(napi_env env, const void *pointer) {
  if (!pointer) return nullValue(env);
  napi_value result = nullptr;
  napi_create_bigint_uint64(env, reinterpret_cast<uint64_t>(pointer), &result);
  return result;
}

bool pointerFromValue(Napi::Env env, napi_value value, const char *what, void **pointer) {
  Incoming incoming;
  incoming.value = value;
  napi_valuetype kind = napi_undefined;
  napi_typeof(env, value, &kind);
  const bool good = kind == napi_null || (kind == napi_bigint && fromBigint(env, ArgType::Opaque, &incoming));
  *pointer = const_cast<void *>(incoming.slot.p);
  if (!good) fail(env, std::string(what) + " must be a pointer (bigint) or null");
  return good;
}

}  // namespace virtshim::addon
