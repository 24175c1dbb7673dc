// What tools do to a trail: put its files aside, and say in it what they did.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "addon/exports.h"
#include "audit/upkeep.h"

namespace virtshim::addon {

namespace {

using audit::TrailFolder;

// Files of root's trails may be read by their group, as those that the shim makes for root.
TrailFolder folderOf(const std::string &path) { return {path.c_str(), geteuid() == 0}; }

Napi::Value fail(Napi::Env env, const OpenFailure &failure) {
  std::string message = failure.detail != nullptr ? failure.detail : "";
  if (failure.error != 0) message += (message.empty() ? "" : ": ") + std::string(strerror(failure.error));
  Napi::Error::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

// rotateTrail(folder) -> the new name of trail.xml, "" where it has no records. Throws an Error that says why not.
Napi::Value rotateTrail(const Napi::CallbackInfo &info) {
  const std::string path = info[0].ToString().Utf8Value();
  char name[audit::kRotatedNameSize];
  OpenFailure failure{};
  if (!audit::rotateTrail(folderOf(path), name, &failure)) return fail(info.Env(), failure);
  return Napi::String::New(info.Env(), name);
}

// appendNotice(folder, kind, text). Throws an Error that says why not.
Napi::Value appendNotice(const Napi::CallbackInfo &info) {
  const std::string path = info[0].ToString().Utf8Value();
  const std::string kind = info[1].ToString().Utf8Value();
  const std::string text = info[2].ToString().Utf8Value();
  OpenFailure failure{};
  if (!audit::appendNotice(folderOf(path), kind, text, &failure)) return fail(info.Env(), failure);
  return info.Env().Undefined();
}

// lockUpkeep(folder) -> a descriptor to close, or -1 where another tool has the lock. Throws an Error that says why
// not.
Napi::Value lockUpkeep(const Napi::CallbackInfo &info) {
  const std::string path = info[0].ToString().Utf8Value();
  OpenFailure failure{};
  const int fd = audit::lockUpkeep(folderOf(path), &failure);
  if (fd < 0 && failure.error != EAGAIN) return fail(info.Env(), failure);
  return Napi::Number::New(info.Env(), fd);
}

}  // namespace

void exportTrail(Napi::Env env, Napi::Object exports) {
  exports.Set("rotateTrail", Napi::Function::New(env, rotateTrail, "rotateTrail"));
  exports.Set("lockUpkeep", Napi::Function::New(env, lockUpkeep, "lockUpkeep"));
  exports.Set("appendNotice", Napi::Function::New(env, appendNotice, "appendNotice"));
}

}  // namespace virtshim::addon
