#include "addon/callback_listeners.h"

#include <napi.h>

#include "addon/callback_js.h"
#include "addon/callback_registry.h"

namespace virtshim::addon {

namespace {

// More than any listener is given.
constexpr int kMaxJsArgs = 10;

// Node calls this without an environment for what is left when it goes away.
void deliverFromNode(napi_env env, napi_value, void *, void *message) {
  if (env == nullptr) {
    CallbackMessage::release(static_cast<CallbackMessage *>(message));
  } else {
    partOf<Listeners>(env)->deliver(static_cast<CallbackMessage *>(message), false);
  }
}

// What a listener throws is an uncaught exception, as with any other event; the next listeners are called all the same.
void reportException(napi_env env) {
  napi_value exception;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

}  // namespace

Listeners *Listeners::of(napi_env env) {
  if (Listeners *present = partOf<Listeners>(env)) return present;
  auto made = std::make_unique<Listeners>(env);
  if (!made->open()) {
    napi_throw_error(env, nullptr, "cannot listen for events in this environment");
    return nullptr;
  }
  Listeners *listeners = made.get();
  addPart(env, kPart, std::move(made));
  return listeners;
}

bool Listeners::open() {
  const Napi::String name = Napi::String::New(env_, "virtshim events");
  const napi_status status = napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                                             nullptr, deliverFromNode, &deliver_);
  if (status != napi_ok) return false;
  napi_unref_threadsafe_function(env_, deliver_);
  mailbox_ = std::make_shared<CallbackMailbox>(env_, deliver_);
  return true;
}

void Listeners::close() {
  unregisterAll(mailbox_.get());
  mailbox_->close();
  for (const auto &entry : listeners_) napi_delete_reference(env_, entry.second.function);
  listeners_.clear();
}

void Listeners::add(uint64_t registration, napi_value listener, bool keepsAlive) {
  napi_ref function = nullptr;
  napi_create_reference(env_, listener, 1, &function);
  listeners_[registration] = {function, keepsAlive, {}};
  if (keepsAlive) countLiving(1);
}

void Listeners::remove(uint64_t registration) {
  const auto found = listeners_.find(registration);
  if (found == listeners_.end()) return;
  keepAlive(registration, false);
  napi_delete_reference(env_, found->second.function);
  listeners_.erase(found);
}

void Listeners::keepAlive(uint64_t registration, bool keepsAlive) {
  const auto found = listeners_.find(registration);
  if (found == listeners_.end() || found->second.keepsAlive == keepsAlive) return;
  found->second.keepsAlive = keepsAlive;
  countLiving(keepsAlive ? 1 : -1);
}

void Listeners::countLiving(int change) {
  living_ += change;
  if (living_ == 0) napi_unref_threadsafe_function(env_, deliver_);
  if (living_ == 1 && change == 1) napi_ref_threadsafe_function(env_, deliver_);
}

void *Listeners::memoryOf(uint64_t registration, size_t size) {
  const auto found = listeners_.find(registration);
  if (found == listeners_.end()) return nullptr;
  found->second.memory.resize(size);
  return found->second.memory.data();
}

void Listeners::deliver(CallbackMessage *message, bool now) {
  const Napi::HandleScope scope(env_);
  const uint64_t number = message->request();
  const auto found = listeners_.find(message->registration());
  if (message->isFarewell() || found == listeners_.end()) {
    if (message->isFarewell()) remove(message->registration());
    if (number != 0) mailbox_->fail(number);
    CallbackMessage::release(message);
    return;
  }
  napi_value listener = nullptr;
  napi_get_reference_value(env_, found->second.function, &listener);
  call(listener, message, now);
}

// The message is gone before the listener runs: a listener may end the environment.
void Listeners::call(napi_value listener, CallbackMessage *message, bool now) {
  napi_value args[kMaxJsArgs];
  size_t count = 0;
  const uint64_t request = message->request();
  if (request != 0) {
    args[count++] = Napi::Number::New(env_, static_cast<double>(request));
    args[count++] = Napi::Boolean::New(env_, now);
  }
  message->setMask(takeLatest(message->registration()));
  for (int i = 0; i < message->count(); ++i) args[count++] = callbackValueToJs(env_, message->value(i));
  message->handOn();
  CallbackMessage::release(message);
  napi_value undefined;
  napi_get_undefined(env_, &undefined);
  if (napi_call_function(env_, undefined, listener, count, args, nullptr) == napi_ok) return;
  reportException(env_);
  if (request != 0) mailbox_->fail(request);
}

}  // namespace virtshim::addon
