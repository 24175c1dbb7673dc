// The calls that one JavaScript environment has in flight, and how their ends come back to its thread.
#pragma once

#include <node_api.h>
#include <uv.h>

#include <memory>
#include <vector>

#include "addon/environment.h"
#include "addon/ffi_pool.h"

namespace virtshim::addon {

class Calls final : public EnvironmentPart {
 public:
  static constexpr PartId kPart = PartId::Calls;

  // That of the environment, made at its first use; nullptr where Node refuses.
  static Calls *of(napi_env env);

  ~Calls() override;
  void close() override;

  // Hands the job over. `done` is called when it is finished, and until then what the job writes to, `values`, is kept.
  // False, and the job remains the caller's, where no thread can be started.
  bool start(Job *job, napi_value done, napi_value values);

  std::shared_ptr<const Actor> actor;  // of calls from now on

 private:
  static constexpr int kRetryFirst = 16;

  explicit Calls(napi_env env) : env_(env), finished_(new FinishedJobs(wake, this)) {}

  static void wake(void *calls);
  static void deliver(uv_async_t *wakeUp);

  // What JavaScript wants to have back when a job is finished.
  struct Kept {
    napi_value done, values;
  };

  bool open();
  bool mayAttend(const Job &job);
  void keep(Job *job, const Kept &kept);
  Kept release(const Job &job);
  void deliverAll();
  void deliverOne(const Job &job);

  napi_env env_;
  FinishedJobs *finished_;
  // libuv's own: Node's thread-safe functions hold a lock while they wake their thread, which then has to wait for it.
  uv_async_t *wakeUp_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_ref table_ = nullptr;  // an array: two elements for each ticket
  std::vector<uint32_t> freeTickets_;
  uint32_t tickets_ = 0;
  size_t inFlight_ = 0;
  bool attending_ = false;  // deliver() was asked for from here, before anything ended
  int patience_ = 0;        // how often that may be in vain
  int passedUp_ = 0;        // calls since patience ran out
  int retryAfter_ = kRetryFirst;
};

}  // namespace virtshim::addon
