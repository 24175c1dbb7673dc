// What the addon keeps for one JavaScript environment: that of the main thread or of a worker thread.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>

namespace virtshim::addon {

enum class PartId : uint8_t { Calls, Events };
constexpr int kPartCount = 2;

// What one part of the addon keeps there.
class EnvironmentPart {
 public:
  virtual ~EnvironmentPart() = default;

  // Called on the environment's thread when it begins to go away: afterwards no other thread may reach for it.
  // process.exit() on the main thread ends the process without this.
  virtual void close() = 0;
};

// Gives an environment its empty data; once, when the module is loaded into it.
void initEnvironment(napi_env env);

// The part of that kind, or nullptr where none was added. Only on the environment's thread.
EnvironmentPart *findPart(napi_env env, PartId id);

// Adds a part, destroyed with the environment. Node ends what was made last first: make thread-safe functions before
// this, and close() comes while they are still good.
void addPart(napi_env env, PartId id, std::unique_ptr<EnvironmentPart> part);

// The part of type T, which names its place as `T::kPart`; nullptr where none was added.
template <typename T>
T *partOf(napi_env env) {
  return static_cast<T *>(findPart(env, T::kPart));
}

}  // namespace virtshim::addon
