// One libvirt call that a thread of the pool makes for JavaScript. Knows nothing of Node.
#pragma once

#include <memory>

#include "addon/ffi_actor.h"
#include "addon/ffi_error.h"
#include "addon/ffi_thunk.h"
#include "api/facts.h"

namespace virtshim::addon {

struct FinishedJobs;

struct alignas(16) Job {
  // A job with `extra` bytes behind it for what its arguments point to, in one piece of memory.
  static Job *create(FunctionId id, size_t extra);
  static void destroy(Job *job);

  char *extra() { return reinterpret_cast<char *>(this + 1); }
  // Whether that is an address in the extra bytes.
  bool owns(const void *pointer) const;

  // Makes the call; blocks as long as libvirt does.
  void run();

  Job *next = nullptr;  // in the one list where it stands
  FinishedJobs *destination = nullptr;
  const FunctionId id;
  const size_t extraSize;
  uint32_t ticket = 0;  // where JavaScript's values are kept
  bool ordered = false;
  uint64_t order = 0;  // jobs of the same order run one after the other
  std::shared_ptr<const Actor> actor;
  ArgSlot args[kMaxArgs] = {};

  // Set by run().
  ArgSlot result = {};
  char *text = nullptr;  // the returned string, ours
  std::unique_ptr<const KeptError> error;

 private:
  Job(FunctionId id, size_t extra) : id(id), extraSize(extra) {}
  ~Job();

  void keepText();
};

// Whether `result` is what the function returns where it fails.
bool isFailure(const FunctionFacts &function, ArgSlot result);

// First in, first out.
class JobList {
 public:
  bool empty() const { return !first_; }

  void push(Job *job) {
    job->next = nullptr;
    (first_ ? last_->next : first_) = job;
    last_ = job;
  }

  Job *pop() {
    Job *job = first_;
    if (job) first_ = job->next;
    return job;
  }

 private:
  Job *first_ = nullptr;
  Job *last_ = nullptr;
};

}  // namespace virtshim::addon
