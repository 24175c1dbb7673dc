// The way from any thread to the JavaScript thread of one environment. Outlives the environment: what is posted then is
// turned away, and who waits for an answer gets none.
#pragma once

#include <node_api.h>
#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <unordered_map>

#include "addon/callback_message.h"

namespace virtshim::addon {

// A question to JavaScript that a thread of libvirt's waits for the answer of.
class Request {
 public:
  explicit Request(uint64_t registration) : registration(registration) {}
  virtual ~Request() = default;

  // Takes the answer, while the asking thread waits; returns what libvirt is told. Only on the JavaScript thread.
  virtual int take(napi_env env, napi_value answer) = 0;

  const uint64_t registration;
  int result = -1;
  bool done = false;
};

class CallbackMailbox {
 public:
  // `deliver` makes calls of JavaScript out of messages.
  CallbackMailbox(napi_env env, napi_threadsafe_function deliver)
      : env_(env), thread_(pthread_self()), deliver_(deliver) {}

  // Only on its thread.
  napi_env env() const { return env_; }

  bool onItsThread() const { return pthread_equal(thread_, pthread_self()) != 0; }

  // Takes over the message; false, and it does not, where the environment is gone.
  bool post(CallbackMessage *message);

  // Gives a request its number, by which it is answered; 0 where the environment is gone.
  uint64_t open(Request *request);

  // Returns when the request was answered or never will be.
  void await(Request *request);

  // Answers a request as JavaScript does; false where nobody waits for it.
  bool answer(uint64_t number, napi_env env, napi_value value);

  // A request that will not be answered.
  void fail(uint64_t number);

  // All requests of a registration that will not be answered.
  void failAll(uint64_t registration);

  // The environment goes away: on its thread.
  void close();

 private:
  Request *take(uint64_t number);
  void finish(Request *request);

  const napi_env env_;
  const pthread_t thread_;
  std::mutex mutex_;
  std::condition_variable answered_;
  napi_threadsafe_function deliver_;  // nullptr when closed
  uint64_t lastNumber_ = 0;
  std::unordered_map<uint64_t, Request *> waiting_;
};

}  // namespace virtshim::addon
