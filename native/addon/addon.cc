// virtshim.node: what JavaScript asks of the native core. One file per group of functions; this one only lists them.
#include <napi.h>

#include "addon/environment.h"
#include "addon/exports.h"

namespace virtshim::addon {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  initEnvironment(env);
  exportPolicy(env, exports);
  exportCalls(env, exports);
  exportCallbacks(env, exports);
  exportMemory(env, exports);
  exportProcess(env, exports);
  exportTrail(env, exports);
  exportTrailCheck(env, exports);
  exportAuditLines(env, exports);
  return exports;
}

NODE_API_MODULE(virtshim, init)

}  // namespace virtshim::addon
