// What every generated wrapper does: jump to the real function where nobody cares about the call, else lead it through
// the pipeline.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>

#include "api/facts.h"
#include "call/interest.h"
#include "call/pipeline.h"
#include "libvirt/real.h"

#define VIRTSHIM_EXPORT __attribute__((visibility("default")))
// Must be taken in the wrapper itself: it tells the program's calls from those that libvirt makes to itself.
#define VIRTSHIM_CALLER __builtin_return_address(0)

namespace virtshim {

template <typename T>
ArgSlot toSlot(T value) {
  ArgSlot slot = {};
  if constexpr (std::is_pointer_v<T>) {
    slot.p = reinterpret_cast<const void *>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    slot.d = value;
  } else if constexpr (std::is_signed_v<T>) {
    slot.i = value;
  } else {
    slot.u = value;
  }
  return slot;
}

// What a failed call returns: see Failure.
template <typename R>
R failureValue(FunctionId id) {
  if constexpr (std::is_pointer_v<R>) {
    return nullptr;
  } else {
    return facts(id).failure == Failure::Zero ? static_cast<R>(0) : static_cast<R>(-1);
  }
}

// The pipeline may have put a copy in the place of a string.
template <typename T>
T fromSlot(T value, const ArgSlot &slot) {
  if constexpr (std::is_pointer_v<T>) return reinterpret_cast<T>(const_cast<void *>(slot.p));
  return value;
}

template <typename R, typename... A, size_t... I>
R forward(void *real, const ArgSlot *slots, std::index_sequence<I...>, A... args) {
  return reinterpret_cast<R (*)(A...)>(real)(fromSlot(args, slots[I])...);
}

template <typename R, typename... A>
[[gnu::noinline]] R dispatchJudged(FunctionId id, const void *caller, A... args) {
  // One more than needed: a function without arguments has an array all the same.
  ArgSlot slots[] = {toSlot(args)..., ArgSlot{}};
  constexpr auto indexes = std::index_sequence_for<A...>();
  if (interestOf(id) & kPlain && permitsPlainly(id, slots, caller))
    return forward<R, A...>(realFunctions[static_cast<uint16_t>(id)].load(std::memory_order_relaxed), slots, indexes,
                            args...);
  Call call(id, slots, caller);
  if constexpr (std::is_void_v<R>) {
    if (!call.before()) return;
    forward<R, A...>(call.real(), slots, indexes, args...);
    call.after(ArgSlot{});
  } else {
    if (!call.before()) return failureValue<R>(id);
    R result = forward<R, A...>(call.real(), slots, indexes, args...);
    return call.after(toSlot(result)) ? result : failureValue<R>(id);
  }
}

template <typename R, typename... A>
[[gnu::always_inline]] inline R dispatch(FunctionId id, const void *caller, A... args) {
  if (__builtin_expect(interestOf(id) == kPrepared, 1)) {
    using Real = R (*)(A...);
    return reinterpret_cast<Real>(realFunctions[static_cast<uint16_t>(id)].load(std::memory_order_relaxed))(args...);
  }
  return dispatchJudged<R, A...>(id, caller, args...);
}

}  // namespace virtshim
