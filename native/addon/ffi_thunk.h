// Calls any libvirt function by its address, its arguments in slots. The call sites lie in virtshim.node: the shim
// would take a call from its own code for one that libvirt makes to itself.
#pragma once

#include <type_traits>
#include <utility>

#include "api/facts.h"

namespace virtshim::addon {

// Calls `function` with the arguments; a void function leaves *result as it is.
using Thunk = void (*)(void *function, const ArgSlot *args, ArgSlot *result);

template <typename T>
T fromSlot(const ArgSlot &slot) {
  if constexpr (std::is_pointer_v<T>) {
    return const_cast<T>(slot.p);
  } else if constexpr (std::is_floating_point_v<T>) {
    return slot.d;
  } else {
    return static_cast<T>(slot.u);
  }
}

template <typename T>
void toSlot(T value, ArgSlot *slot) {
  if constexpr (std::is_pointer_v<T>) {
    slot->p = value;
  } else if constexpr (std::is_floating_point_v<T>) {
    slot->d = value;
  } else if constexpr (std::is_signed_v<T>) {
    slot->i = value;
  } else {
    slot->u = value;
  }
}

template <typename R, typename... A, size_t... I>
void callWith(void *function, const ArgSlot *args, ArgSlot *result, std::index_sequence<I...>) {
  const auto typed = reinterpret_cast<R (*)(A...)>(function);
  if constexpr (std::is_void_v<R>) {
    typed(fromSlot<A>(args[I])...);
  } else {
    toSlot<R>(typed(fromSlot<A>(args[I])...), result);
  }
}

// The same function for all signatures that are alike.
template <typename R, typename... A>
void thunk(void *function, const ArgSlot *args, ArgSlot *result) {
  callWith<R, A...>(function, args, result, std::index_sequence_for<A...>());
}

extern const Thunk kThunks[kFunctionCount];

inline Thunk thunkOf(FunctionId id) { return kThunks[static_cast<uint16_t>(id)]; }

}  // namespace virtshim::addon
