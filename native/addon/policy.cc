// The evaluator for JavaScript: the same code that judges calls in the shim.
#include <optional>

#include "addon/exports.h"
#include "addon/image_bytes.h"
#include "addon/js_explain.h"
#include "addon/js_request.h"
#include "sys/sha256.h"

namespace virtshim::addon {

namespace {

using policy::Policy;

const char *const kModes[] = {"enforcing", "permissive", "disabled"};
const char *const kAuditLevels[] = {"none", "response", "request-response"};

template <size_t N, typename Enum>
const char *nameOf(const char *const (&names)[N], Enum value) {
  return names[static_cast<size_t>(value)];
}

Napi::Value fail(Napi::Env env, const std::string &message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

// A policy that JavaScript handed over; throws into JavaScript where it is not a usable image.
bool loadOrThrow(Napi::Env env, const ImageBytes &bytes, Policy *out) {
  const policy::ImageError error = bytes.load(out);
  if (error == policy::ImageError::Ok) return true;
  fail(env, policy::describe(error));
  return false;
}

std::string hexOf(const uint8_t *bytes, size_t size) {
  std::string hex(2 * size, '0');
  hexLower(bytes, size, &hex[0]);
  return hex;
}

Napi::Object describePolicy(Napi::Env env, const Policy &policy) {
  Napi::Object info = Napi::Object::New(env);
  info.Set("ok", true);
  info.Set("name", policy.name());
  info.Set("mode", nameOf(kModes, policy.mode()));
  info.Set("unknownApi", policy.unknownApi() == policy::Mode::Enforcing ? "deny" : "allow");
  info.Set("onAuditFailure", policy.onAuditFailure() == policy::OnAuditFailure::Deny ? "deny" : "allow");
  info.Set("auditNetlink", policy.auditNetlink());
  info.Set("auditFileAlways", policy.auditFileAlways());
  info.Set("trail", policy.trail());
  info.Set("digest", hexOf(policy.digest(), kSha256Size));
  Napi::Array rules = Napi::Array::New(env, policy.ruleCount());
  for (uint32_t i = 0; i < policy.ruleCount(); ++i) rules.Set(i, policy.ruleId(i));
  info.Set("rules", rules);
  return info;
}

// loadPolicy(image) -> {ok: false, error} or {ok: true, name, mode, rules, digest, ...}
Napi::Value loadPolicy(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray()) return fail(env, "expected the bytes of a policy image");
  const ImageBytes bytes(info[0].As<Napi::Uint8Array>());
  Policy policy;
  const policy::ImageError error = bytes.load(&policy);
  if (error == policy::ImageError::Ok) return describePolicy(env, policy);
  Napi::Object result = Napi::Object::New(env);
  result.Set("ok", false);
  result.Set("error", policy::describe(error));
  return result;
}

Napi::Object describeDecision(Napi::Env env, const Policy &policy, const policy::Decision &decision) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("effect", decision.effect == policy::Effect::Allow ? "allow" : "deny");
  result.Set("basis", decision.basis == policy::Basis::Rule ? "rule" : "default");
  result.Set("rule", env.Null());
  result.Set("permission", env.Null());
  result.Set("wouldDeny", env.Null());
  result.Set("reasonMissing", decision.reasonMissing);
  if (decision.wouldDeny != policy::kNoRule) result.Set("wouldDeny", policy.ruleId(decision.wouldDeny));
  if (decision.rule != policy::kNoRule) result.Set("rule", policy.ruleId(decision.rule));
  if (decision.permission != kNoPermission) result.Set("permission", kPermissionNames[decision.permission]);
  return result;
}

// A request that JavaScript described; throws into JavaScript where it cannot be understood.
class JsRequest {
 public:
  JsRequest(Napi::Env env, const Napi::Value &value) { read(env, value); }
  JsRequest(const JsRequest &) = delete;
  JsRequest &operator=(const JsRequest &) = delete;

  bool ok() const { return ok_; }
  const policy::Request &request() const { return request_; }
  JsFacts *callFacts() { return &*facts_; }

 private:
  void read(Napi::Env env, const Napi::Value &value) {
    if (!value.IsObject()) return complain(env, "expected a request");
    const Napi::Object request = value.As<Napi::Object>();
    const std::string name = request.Get("function").ToString().Utf8Value();
    const FunctionId function = findFunction(name.c_str());
    if (function == kNoFunction) return complain(env, "unknown function `" + name + "`");
    std::string problem;
    const Napi::Value args = request.Get("arguments");
    facts_.emplace(request, facts(function).object, &problem);
    arguments_.emplace(facts(function), args.IsObject() ? args.As<Napi::Object>() : Napi::Object::New(env), &problem);
    if (!problem.empty()) return complain(env, problem);
    xml_.emplace(function, arguments_->slots(), xml::findInstalled);
    facts_->readXmlOf(&*xml_);
    facts_->readCommandsOf(function, arguments_->slots());
    request_ = {function, arguments_->slots(), &*facts_, request.Get("nested").ToBoolean()};
    ok_ = true;
  }

  static void complain(Napi::Env env, const std::string &message) { fail(env, message); }

  std::optional<JsFacts> facts_;
  std::optional<JsArguments> arguments_;
  std::optional<xml::CallXml> xml_;
  policy::Request request_ = {};
  bool ok_ = false;
};

Napi::Value decideOne(Napi::Env env, const Policy &policy, const Napi::Value &value) {
  const JsRequest asked(env, value);
  return asked.ok() ? describeDecision(env, policy, policy.decide(asked.request())) : env.Undefined();
}

// decide(image, request) -> {effect, basis, rule, permission, wouldDeny, reasonMissing}
Napi::Value decide(const Napi::CallbackInfo &info) {
  if (!info[0].IsTypedArray()) return fail(info.Env(), "expected the bytes of a policy image");
  const ImageBytes bytes(info[0].As<Napi::Uint8Array>());
  Policy policy;
  if (!loadOrThrow(info.Env(), bytes, &policy)) return info.Env().Undefined();
  return decideOne(info.Env(), policy, info[1]);
}

// explain(image, request) -> {decision, rules: [{rule, effect, permissive, permissions, holds, failed}]}
Napi::Value explain(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray()) return fail(env, "expected the bytes of a policy image");
  const ImageBytes bytes(info[0].As<Napi::Uint8Array>());
  Policy policy;
  if (!loadOrThrow(env, bytes, &policy)) return env.Undefined();
  JsRequest asked(env, info[1]);
  if (!asked.ok()) return env.Undefined();
  Napi::Object result = Napi::Object::New(env);
  result.Set("decision", describeDecision(env, policy, policy.decide(asked.request())));
  result.Set("rules", explainRules(env, policy, asked.request(), asked.callFacts()));
  return result;
}

// decideAll(image, requests) -> decisions, for one check of the image
Napi::Value decideAll(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() || !info[1].IsArray()) return fail(env, "expected a policy image and requests");
  const ImageBytes bytes(info[0].As<Napi::Uint8Array>());
  Policy policy;
  if (!loadOrThrow(env, bytes, &policy)) return env.Undefined();
  const Napi::Array requests = info[1].As<Napi::Array>();
  Napi::Array decisions = Napi::Array::New(env, requests.Length());
  for (uint32_t i = 0; i < requests.Length(); ++i) {
    const Napi::Value decision = decideOne(env, policy, requests.Get(i));
    if (env.IsExceptionPending()) return env.Undefined();
    decisions.Set(i, decision);
  }
  return decisions;
}

// functionPolicy(image, function) -> {mayRefuse, mayRefuseNested, auditLevel}
Napi::Value functionPolicy(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray()) return fail(env, "expected the bytes of a policy image");
  const ImageBytes bytes(info[0].As<Napi::Uint8Array>());
  Policy policy;
  if (!loadOrThrow(env, bytes, &policy)) return env.Undefined();
  const std::string name = info[1].ToString().Utf8Value();
  const FunctionId function = findFunction(name.c_str());
  if (function == kNoFunction) return fail(env, "unknown function `" + name + "`");
  Napi::Object result = Napi::Object::New(env);
  result.Set("mayRefuse", policy.mayRefuse(function, false));
  result.Set("mayRefuseNested", policy.mayRefuse(function, true));
  result.Set("auditLevel", nameOf(kAuditLevels, policy.auditLevel(function)));
  return result;
}

}  // namespace

void exportPolicy(Napi::Env env, Napi::Object exports) {
  exports.Set("loadPolicy", Napi::Function::New(env, loadPolicy, "loadPolicy"));
  exports.Set("decide", Napi::Function::New(env, decide, "decide"));
  exports.Set("decideAll", Napi::Function::New(env, decideAll, "decideAll"));
  exports.Set("explain", Napi::Function::New(env, explain, "explain"));
  exports.Set("functionPolicy", Napi::Function::New(env, functionPolicy, "functionPolicy"));
}

}  // namespace virtshim::addon
