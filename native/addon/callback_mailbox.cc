#include "addon/callback_mailbox.h"

#include <vector>

namespace virtshim::addon {

bool CallbackMailbox::post(CallbackMessage *message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return deliver_ != nullptr && napi_call_threadsafe_function(deliver_, message, napi_tsfn_nonblocking) == napi_ok;
}

uint64_t CallbackMailbox::open(Request *request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (deliver_ == nullptr) return 0;
  waiting_[++lastNumber_] = request;
  return lastNumber_;
}

void CallbackMailbox::await(Request *request) {
  std::unique_lock<std::mutex> lock(mutex_);
  answered_.wait(lock, [request] { return request->done; });
}

bool CallbackMailbox::answer(uint64_t number, napi_env env, napi_value value) {
  Request *request = take(number);
  if (request == nullptr) return false;
  request->result = request->take(env, value);
  finish(request);
  return true;
}

void CallbackMailbox::fail(uint64_t number) {
  Request *request = take(number);
  if (request != nullptr) finish(request);
}

void CallbackMailbox::failAll(uint64_t registration) {
  std::vector<uint64_t> numbers;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto &entry : waiting_) {
      if (entry.second->registration == registration) numbers.push_back(entry.first);
    }
  }
  for (const uint64_t number : numbers) fail(number);
}

void CallbackMailbox::close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (deliver_ == nullptr) return;
  napi_release_threadsafe_function(deliver_, napi_tsfn_abort);
  deliver_ = nullptr;
  for (const auto &entry : waiting_) entry.second->done = true;
  waiting_.clear();
  answered_.notify_all();
}

// Whoever takes a request out is the only one to finish it.
Request *CallbackMailbox::take(uint64_t number) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return nullptr;
  Request *request = found->second;
  waiting_.erase(found);
  return request;
}

// The request lives on the asking thread's stack, and is gone once that thread wakes up.
void CallbackMailbox::finish(Request *request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  request->done = true;
  answered_.notify_all();
}

}  // namespace virtshim::addon
