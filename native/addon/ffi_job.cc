#include "addon/ffi_job.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "addon/ffi_library.h"

namespace virtshim::addon {

Job *Job::create(FunctionId id, size_t extra) {
  void *memory = malloc(sizeof(Job) + extra);
  return memory ? new (memory) Job(id, extra) : nullptr;
}

void Job::destroy(Job *job) {
  job->~Job();
  free(job);
}

Job::~Job() { free(text); }

bool Job::owns(const void *pointer) const {
  const char *start = reinterpret_cast<const char *>(this + 1);
  return pointer >= start && pointer < start + extraSize;
}

void Job::run() {
  const FunctionFacts &known = facts(id);
  // Helpers do not clear the last error before they begin, as the others do.
  if (known.callClass == CallClass::Helper) resetLastLibvirtError();
  if (actor) applyActor(actor.get());
  thunkOf(id)(shimFunction(id), args, &result);
  if (isFailure(known, result)) error = takeLastError();
  if (actor) applyActor(nullptr);
  keepText();
}

void Job::keepText() {
  const ReturnType type = facts(id).returns;
  char *returned = static_cast<char *>(const_cast<void *>(result.p));
  if (type == ReturnType::String) text = returned;
  if (type == ReturnType::ConstString && returned) text = strdup(returned);
}

bool isFailure(const FunctionFacts &function, ArgSlot result) {
  switch (function.failure) {
    case Failure::None: return false;
    case Failure::Negative: return result.i < 0;
    case Failure::MinusOne:
      return result.i == -1 || (function.returns == ReturnType::UInt && result.u == static_cast<unsigned>(-1));
    case Failure::Zero: return result.u == 0;
    case Failure::Null: return result.p == nullptr;
  }
  return false;
}

}  // namespace virtshim::addon
