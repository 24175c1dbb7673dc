#include "addon/environment.h"

namespace virtshim::addon {

namespace {

struct Environment {
  std::unique_ptr<EnvironmentPart> parts[kPartCount];
};

Environment *dataOf(napi_env env) {
  void *data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Environment *>(data);
}

void destroyEnvironment(napi_env, void *data, void *) { delete static_cast<Environment *>(data); }

void closePart(void *part) { static_cast<EnvironmentPart *>(part)->close(); }

}  // namespace

void initEnvironment(napi_env env) { napi_set_instance_data(env, new Environment, destroyEnvironment, nullptr); }

EnvironmentPart *findPart(napi_env env, PartId id) { return dataOf(env)->parts[static_cast<int>(id)].get(); }

void addPart(napi_env env, PartId id, std::unique_ptr<EnvironmentPart> part) {
  napi_add_env_cleanup_hook(env, closePart, part.get());
  dataOf(env)->parts[static_cast<int>(id)] = std::move(part);
}

}  // namespace virtshim::addon
