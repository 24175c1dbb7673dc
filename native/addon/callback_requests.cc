#include "addon/callback_requests.h"

#include <napi.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "addon/callback_listeners.h"
#include "addon/callback_registry.h"
#include "addon/callback_values.h"

namespace virtshim::addon {

namespace {

// virConnectAuth
struct Auth {
  int *types;
  unsigned int typeCount;
  int (*callback)(void *, unsigned int, void *);
  void *opaque;
};

// The answer is the number that libvirt is told.
class NumberRequest final : public Request {
 public:
  using Request::Request;

  int take(napi_env env, napi_value answer) override {
    const Napi::Value value(env, answer);
    return value.IsNumber() ? value.As<Napi::Number>().Int32Value() : -1;
  }
};

// The answer is bytes for libvirt's buffer, or a number below zero.
class FillRequest final : public Request {
 public:
  FillRequest(uint64_t registration, char *data, size_t size) : Request(registration), data_(data), size_(size) {}

  int take(napi_env env, napi_value answer) override {
    const Napi::Value value(env, answer);
    if (!value.IsTypedArray()) return -1;
    const Napi::Uint8Array bytes = value.As<Napi::Uint8Array>();
    if (bytes.ByteLength() > size_) return -1;
    std::copy_n(bytes.Data(), bytes.ByteLength(), data_);
    return static_cast<int>(bytes.ByteLength());
  }

 private:
  char *data_;
  size_t size_;
};

int64_t integerOf(const Napi::Value &value) {
  bool lossless = false;
  return value.IsBigInt() ? value.As<Napi::BigInt>().Int64Value(&lossless) : value.ToNumber().Int64Value();
}

// The answer is [whether there is data here, how many bytes this goes on].
class HoleRequest final : public Request {
 public:
  HoleRequest(uint64_t registration, int *inData, long long *length)
      : Request(registration), inData_(inData), length_(length) {}

  int take(napi_env env, napi_value answer) override {
    const Napi::Value value(env, answer);
    if (!value.IsArray()) return -1;
    const Napi::Array pair = value.As<Napi::Array>();
    *inData_ = pair.Get(uint32_t{0}).ToBoolean() ? 1 : 0;
    *length_ = integerOf(pair.Get(uint32_t{1}));
    return 0;
  }

 private:
  int *inData_;
  long long *length_;
};

// The answer is a text or null for each credential.
class CredentialsRequest final : public Request {
 public:
  CredentialsRequest(uint64_t registration, Credential *credentials, unsigned count)
      : Request(registration), credentials_(credentials), count_(count) {}

  int take(napi_env env, napi_value answer) override {
    const Napi::Value value(env, answer);
    if (!value.IsArray()) return -1;
    const Napi::Array texts = value.As<Napi::Array>();
    for (uint32_t i = 0; i < count_; ++i) {
      const Napi::Value text = texts.Get(i);
      if (text.IsString()) give(credentials_[i], text.As<Napi::String>().Utf8Value());
    }
    return 0;
  }

 private:
  // libvirt frees it.
  static void give(Credential &credential, std::string text) {
    credential.result = strdup(text.c_str());
    credential.resultLength = credential.result == nullptr ? 0 : static_cast<unsigned>(text.size());
    explicit_bzero(&text[0], text.size());
  }

  Credential *credentials_;
  unsigned count_;
};

int askHere(napi_env env, CallbackMailbox &mailbox, CallbackMessage *message, const Request &request, uint64_t number) {
  partOf<Listeners>(env)->deliver(message, true);
  mailbox.fail(number);  // where the listener has not answered at once
  return request.result;
}

int ask(Request &request, const CallbackValue *values, int count) {
  const std::shared_ptr<CallbackMailbox> mailbox = mailboxOf(request.registration);
  const uint64_t number = mailbox == nullptr ? 0 : mailbox->open(&request);
  if (number == 0) return -1;
  CallbackMessage *message = CallbackMessage::copy(request.registration, number, values, count);
  if (message != nullptr && mailbox->onItsThread()) return askHere(mailbox->env(), *mailbox, message, request, number);
  if (message == nullptr || !mailbox->post(message)) {
    if (message != nullptr) CallbackMessage::release(message);
    mailbox->fail(number);
  }
  mailbox->await(&request);
  return request.result;
}

// Several handlers of one call share its `opaque`.
CallbackValue typeOf(CallbackType type) { return CallbackValue::integer(static_cast<int>(type)); }

uint64_t registrationOf(const void *opaque) { return reinterpret_cast<uint64_t>(opaque); }

}  // namespace

int ask_virConnectAuthCallbackPtr(void *credentials, unsigned int count, void *opaque) {
  CredentialsRequest request(registrationOf(opaque), static_cast<Credential *>(credentials), count);
  const CallbackValue values[] = {typeOf(CallbackType::virConnectAuthCallbackPtr),
                                  CallbackValue::credentials(credentials, count)};
  return ask(request, values, 2);
}

int ask_virStreamSinkFunc(void *, const char *data, size_t size, void *opaque) {
  NumberRequest request(registrationOf(opaque));
  const CallbackValue values[] = {typeOf(CallbackType::virStreamSinkFunc), CallbackValue::bytes(data, size)};
  return ask(request, values, 2);
}

int ask_virStreamSinkHoleFunc(void *, long long length, void *opaque) {
  NumberRequest request(registrationOf(opaque));
  const CallbackValue values[] = {typeOf(CallbackType::virStreamSinkHoleFunc), CallbackValue::integer(length)};
  return ask(request, values, 2);
}

int ask_virStreamSourceFunc(void *, char *data, size_t size, void *opaque) {
  FillRequest request(registrationOf(opaque), data, size);
  const CallbackValue values[] = {typeOf(CallbackType::virStreamSourceFunc), CallbackValue::natural(size)};
  return ask(request, values, 2);
}

int ask_virStreamSourceHoleFunc(void *, int *inData, long long *length, void *opaque) {
  HoleRequest request(registrationOf(opaque), inData, length);
  const CallbackValue values[] = {typeOf(CallbackType::virStreamSourceHoleFunc)};
  return ask(request, values, 1);
}

int ask_virStreamSourceSkipFunc(void *, long long length, void *opaque) {
  NumberRequest request(registrationOf(opaque));
  const CallbackValue values[] = {typeOf(CallbackType::virStreamSourceSkipFunc), CallbackValue::integer(length)};
  return ask(request, values, 2);
}

size_t authSize(size_t typeCount) { return sizeof(Auth) + typeCount * sizeof(int); }

int *fillAuth(void *memory, size_t typeCount, void *opaque) {
  Auth *auth = static_cast<Auth *>(memory);
  int *types = reinterpret_cast<int *>(auth + 1);
  *auth = {types, static_cast<unsigned>(typeCount), ask_virConnectAuthCallbackPtr, opaque};
  return types;
}

}  // namespace virtshim::addon
