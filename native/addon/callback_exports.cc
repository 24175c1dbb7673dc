// What JavaScript asks of callbacks and of the event loop.
#include <napi.h>

#include "addon/callback_listeners.h"
#include "addon/callback_registry.h"
#include "addon/callback_requests.h"
#include "addon/callbacks.h"
#include "addon/event_loop.h"
#include "addon/exports.h"
#include "addon/ffi_values.h"

namespace virtshim::addon {

namespace {

Napi::Value fail(Napi::Env env, const char *message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

uint64_t registrationIn(const Napi::CallbackInfo &info) {
  bool lossless = false;
  return info[0].IsBigInt() ? info[0].As<Napi::BigInt>().Uint64Value(&lossless) : 0;
}

// A listener for events wants to be told of them. Not so one that is there in case of an error or of a connection's
// end, nor what is answered within one call of libvirt's.
bool keepsAlive(CallbackType type) {
  return type != CallbackType::virErrorFunc && type != CallbackType::virConnectCloseFunc &&
         type != CallbackType::virAdmConnectCloseFunc && type < CallbackType::virConnectAuthCallbackPtr;
}

bool typeIn(const Napi::CallbackInfo &info, CallbackType *type) {
  const int number = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
  *type = static_cast<CallbackType>(number);
  if (number >= 0 && number < kCallbackTypeCount) return true;
  fail(info.Env(), "expected the number of a callback type");
  return false;
}

// callback(type, listener) -> {callback, opaque, free}
Napi::Value callback(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  CallbackType type;
  if (!typeIn(info, &type)) return env.Undefined();
  if (!info[1].IsFunction()) return fail(env, "expected a listener");
  Listeners *listeners = Listeners::of(env);
  if (listeners == nullptr) return env.Undefined();
  const NewRegistration made = registerCallback(type, listeners->mailbox());
  listeners->add(made.number, info[1], keepsAlive(type));
  Napi::Object result = Napi::Object::New(env);
  result["callback"] = pointerValue(env, callbackFunction(type, made.variant));
  result["opaque"] = Napi::BigInt::New(env, made.number);
  result["free"] = pointerValue(env, reinterpret_cast<const void *>(letGo));
  return result;
}

// isRegistered(opaque): whether libvirt may still call it
Napi::Value isRegistered(const Napi::CallbackInfo &info) {
  return Napi::Boolean::New(info.Env(), mailboxOf(registrationIn(info)) != nullptr);
}

// callbackPointer(type): the C function alone, for those that share the `opaque` of another one's callback
Napi::Value callbackPointer(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  CallbackType type;
  if (!typeIn(info, &type)) return env.Undefined();
  return {env, pointerValue(env, callbackFunction(type, 0))};
}

// dropCallback(opaque): libvirt never took it, or will not call it any more.
void dropCallback(const Napi::CallbackInfo &info) {
  const uint64_t registration = registrationIn(info);
  const std::shared_ptr<CallbackMailbox> mailbox = unregisterCallback(registration);
  if (mailbox != nullptr) mailbox->failAll(registration);
  Listeners *listeners = partOf<Listeners>(info.Env());
  if (listeners != nullptr) listeners->remove(registration);
}

// refCallback(opaque), unrefCallback(opaque): whether the process stays alive for its sake.
template <bool kKeep>
void keepCallback(const Napi::CallbackInfo &info) {
  Listeners *listeners = partOf<Listeners>(info.Env());
  if (listeners != nullptr) listeners->keepAlive(registrationIn(info), kKeep);
}

// answer(request, value): false where nobody waits for it any more.
Napi::Value answer(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Listeners *listeners = partOf<Listeners>(env);
  const int64_t number = info[0].IsNumber() ? info[0].As<Napi::Number>().Int64Value() : 0;
  const bool taken = listeners != nullptr && listeners->mailbox()->answer(static_cast<uint64_t>(number), env, info[1]);
  return Napi::Boolean::New(env, taken);
}

// authPointer(opaque, types) -> address of a virConnectAuth that lives as long as the callback
Napi::Value authPointer(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Listeners *listeners = partOf<Listeners>(env);
  if (listeners == nullptr || !info[1].IsArray()) return fail(env, "expected a callback and types of credentials");
  const uint64_t registration = registrationIn(info);
  const Napi::Array types = info[1].As<Napi::Array>();
  void *memory = listeners->memoryOf(registration, authSize(types.Length()));
  if (memory == nullptr) return fail(env, "there is no such callback");
  int *slots = fillAuth(memory, types.Length(), reinterpret_cast<void *>(registration));
  for (uint32_t i = 0; i < types.Length(); ++i) slots[i] = types.Get(i).ToNumber().Int32Value();
  return {env, pointerValue(env, memory)};
}

// startEventLoop() -> "running", or "foreign" where the program has an event loop of its own that has to do it
Napi::Value start(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const EventLoop state = startEventLoop();
  if (state == EventLoop::Unavailable) return fail(env, "the event loop needs the shim: attach() comes first");
  return Napi::String::New(env, state == EventLoop::Running ? "running" : "foreign");
}

void stop(const Napi::CallbackInfo &) { stopEventLoop(); }

}  // namespace

void exportCallbacks(Napi::Env env, Napi::Object exports) {
  exports.Set("callback", Napi::Function::New(env, callback, "callback"));
  exports.Set("callbackPointer", Napi::Function::New(env, callbackPointer, "callbackPointer"));
  exports.Set("isRegistered", Napi::Function::New(env, isRegistered, "isRegistered"));
  exports.Set("dropCallback", Napi::Function::New(env, dropCallback, "dropCallback"));
  exports.Set("refCallback", Napi::Function::New(env, keepCallback<true>, "refCallback"));
  exports.Set("unrefCallback", Napi::Function::New(env, keepCallback<false>, "unrefCallback"));
  exports.Set("startEventLoop", Napi::Function::New(env, start, "startEventLoop"));
  exports.Set("stopEventLoop", Napi::Function::New(env, stop, "stopEventLoop"));
  exports.Set("answer", Napi::Function::New(env, answer, "answer"));
  exports.Set("authPointer", Napi::Function::New(env, authPointer, "authPointer"));
}

}  // namespace virtshim::addon
