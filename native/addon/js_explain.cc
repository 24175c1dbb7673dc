#include "addon/js_explain.h"

#include <cstring>

#include "api/xml_facts.h"
#include "policy/argument_match.h"
#include "policy/conditions.h"
#include "policy/glob_match.h"
#include "policy/parameter_match.h"

namespace virtshim::addon {

namespace {

using policy::image::Condition;
using policy::image::ConditionKind;
using policy::image::View;

const char *const kOperators[] = {"equal",          "notEqual", "less",   "lessOrEqual", "greater",
                                  "greaterOrEqual", "hasAny",   "hasAll", "hasNone"};
const char *const kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr int64_t kSafe = 9007199254740991;

Napi::Value textToJs(Napi::Env env, std::string_view text) { return Napi::String::New(env, text.data(), text.size()); }

Napi::Value maybeToJs(Napi::Env env, policy::MaybeString text) {
  return text.known ? textToJs(env, text.value) : env.Null();
}

Napi::Value numberToJs(Napi::Env env, int64_t value) {
  if (value > kSafe || value < -kSafe) return Napi::BigInt::New(env, value);
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value unsignedToJs(Napi::Env env, uint64_t value) {
  if (value > static_cast<uint64_t>(kSafe)) return Napi::BigInt::New(env, value);
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value triToJs(Napi::Env env, policy::Tri tri) {
  return tri == policy::Tri::Unknown ? env.Null() : Napi::Boolean::New(env, tri == policy::Tri::Yes).As<Napi::Value>();
}

// As it was written, but for escapes that it did not need.
std::string globText(const View &view, uint32_t index) {
  const policy::image::Glob &glob = view.globs[index];
  std::string text;
  for (uint32_t i = 0; i < glob.literalSize; ++i) {
    const char byte = view.strings[glob.literal + i];
    if (strchr("*?\\", byte) && byte != '\0') text += '\\';
    text += byte;
  }
  if (glob.form == policy::image::GlobForm::Prefix) return text + '*';
  return text.append(view.strings + glob.rest, glob.restSize);
}

// A text to be equal to is a glob without wildcards.
template <typename Test>
bool isPattern(const View &view, const Test &test) {
  const bool plain = view.globs[test.glob].form == policy::image::GlobForm::Exact;
  return test.op == policy::image::Operator::Equal && !plain;
}

// Of an argument, a typed parameter or a fact of XML.
template <typename Test>
std::string comparisonText(const View &view, const Test &test) {
  const std::string name = kOperators[static_cast<int>(test.op)];
  switch (test.operand) {
    case policy::image::Operand::Signed: return name + ' ' + std::to_string(static_cast<int64_t>(test.value));
    case policy::image::Operand::Unsigned: return name + ' ' + std::to_string(test.value);
    case policy::image::Operand::Glob: return (isPattern(view, test) ? "glob" : name) + ' ' + globText(view, test.glob);
  }
  return name;
}

std::string minuteText(uint32_t minute) {
  char text[24];
  snprintf(text, sizeof text, "%02u:%02u", minute / 60, minute % 60);
  return text;
}

std::string windowText(const policy::image::Window &window) {
  std::string text;
  for (int day = 0; day < 7; ++day) {
    if (window.days >> day & 1) text += std::string(text.empty() ? "" : ",") + kDays[day];
  }
  return text + ' ' + minuteText(window.from) + '-' + minuteText(window.to);
}

std::string rateText(const policy::image::Rate &rate) {
  const char *per = rate.per == policy::image::Per::Subject ? "subject" : "host";
  return std::to_string(rate.calls) + " calls in " + std::to_string(rate.seconds) + " s per " + per;
}

const char *blockOf(ConditionKind kind) {
  switch (kind) {
    case ConditionKind::Kinds:
    case ConditionKind::Names:
    case ConditionKind::Uuids: return "resources";
    case ConditionKind::ReadOnly:
    case ConditionKind::Drivers:
    case ConditionKind::Uris:
    case ConditionKind::Transports:
    case ConditionKind::Hosts: return "connections";
    case ConditionKind::Argument:
    case ConditionKind::Parameter: return "arguments";
    case ConditionKind::Monitor: return "monitor";
    case ConditionKind::XmlFact:
    case ConditionKind::XPath: return "xml";
    case ConditionKind::Time:
    case ConditionKind::Reason:
    case ConditionKind::Rate: return "";
    default: return "subjects";
  }
}

std::string nameOf(const View &view, const Condition &condition) {
  switch (condition.kind) {
    case ConditionKind::Kinds: return "kinds";
    case ConditionKind::Names: return "names";
    case ConditionKind::Uuids: return "uuids";
    case ConditionKind::ReadOnly: return "readOnly";
    case ConditionKind::Drivers: return "drivers";
    case ConditionKind::Uris: return "uris";
    case ConditionKind::Transports: return "transports";
    case ConditionKind::Hosts: return "hosts";
    case ConditionKind::Uids: return "uids";
    case ConditionKind::Gids: return "groups";
    case ConditionKind::Auids: return "auids";
    case ConditionKind::Executables: return "executables";
    case ConditionKind::Commands: return "commands";
    case ConditionKind::Terminals: return "terminals";
    case ConditionKind::Labels: return "labels";
    case ConditionKind::Actors: return "actors";
    case ConditionKind::Monitor: return "commands";
    case ConditionKind::XPath: return "xpath";
    case ConditionKind::Time: return "times";
    case ConditionKind::Reason: return "require";
    case ConditionKind::Rate: return "rate";
    case ConditionKind::Argument: return kArgNames[view.arguments[condition.first].nameId];
    case ConditionKind::XmlFact: return kXmlFacts[view.xmlTests[condition.first].fact].name;
    case ConditionKind::Parameter: {
      const policy::image::Parameter &test = view.parameters[condition.first];
      return std::string(kArgNames[test.nameId]) + '.' + globText(view, test.field);
    }
  }
  return "";
}

// The place of the condition in the rule: "resources.not.names". Users are among the uids, allow rules' rates negated.
std::string placeOf(const View &view, const Condition &condition) {
  const std::string block = blockOf(condition.kind);
  if (block.empty()) return nameOf(view, condition);
  return block + (condition.negated ? ".not." : ".") + nameOf(view, condition);
}

class Collector final : public policy::XmlValues {
 public:
  explicit Collector(Napi::Env env, bool isBoolean = false)
      : values(Napi::Array::New(env)), env_(env), isBoolean_(isBoolean) {}
  void number(int64_t value) override {
    values.Set(values.Length(), isBoolean_ ? Napi::Boolean::New(env_, value != 0) : numberToJs(env_, value));
  }
  void text(std::string_view value) override { values.Set(values.Length(), textToJs(env_, value)); }
  Napi::Array values;

 private:
  Napi::Env env_;
  bool isBoolean_;
};

// What a failed condition wants and what there is.
class Details {
 public:
  Details(Napi::Env env, const View &view, const policy::Request &request, JsFacts *facts)
      : env_(env), view_(view), request_(request), facts_(facts) {}

  Napi::Array wanted(const Condition &condition) {
    Napi::Array list = Napi::Array::New(env_);
    const auto add = [&](const std::string &text) { list.Set(list.Length(), textToJs(env_, text)); };
    switch (condition.kind) {
      case ConditionKind::Kinds:
        for (int i = 0; i < kObjectKindCount; ++i) {
          if (condition.first >> i & 1) add(kObjectKindNames[i]);
        }
        break;
      case ConditionKind::ReadOnly: list.Set(0u, Napi::Boolean::New(env_, isReadOnly(condition))); break;
      case ConditionKind::Uids:
      case ConditionKind::Gids:
      case ConditionKind::Auids:
        for (uint32_t i = 0; i < condition.count; ++i) {
          list.Set(i, Napi::Number::New(env_, view_.ids[condition.first + i]));
        }
        break;
      case ConditionKind::Argument: add(comparisonText(view_, view_.arguments[condition.first])); break;
      case ConditionKind::Parameter: add(comparisonText(view_, view_.parameters[condition.first])); break;
      case ConditionKind::XmlFact: add(comparisonText(view_, view_.xmlTests[condition.first])); break;
      case ConditionKind::XPath: add(view_.strings + condition.first); break;
      case ConditionKind::Rate: add(rateText(view_.rates[condition.first])); break;
      case ConditionKind::Reason: add("reason"); break;
      case ConditionKind::Time:
        for (uint32_t i = 0; i < condition.count; ++i) add(windowText(view_.windows[condition.first + i]));
        break;
      default:
        for (uint32_t i = 0; i < condition.count; ++i) add(globText(view_, view_.globRefs[condition.first + i]));
    }
    return list;
  }

  Napi::Value actual(const Condition &condition) {
    switch (condition.kind) {
      case ConditionKind::Kinds: return textToJs(env_, kindName());
      case ConditionKind::ReadOnly: return triToJs(env_, facts_->connectionReadOnly());
      case ConditionKind::Uids: return Napi::Number::New(env_, facts_->uid());
      case ConditionKind::Auids: return Napi::Number::New(env_, facts_->auid().value);
      case ConditionKind::Gids: return groups();
      case ConditionKind::Argument: return argument(view_.arguments[condition.first].nameId);
      case ConditionKind::Parameter: return parameters(view_.parameters[condition.first]);
      case ConditionKind::XmlFact: return xmlValues(view_.xmlTests[condition.first].fact);
      case ConditionKind::XPath: return triToJs(env_, facts_->xpath(view_.strings + condition.first));
      case ConditionKind::Time: return time();
      case ConditionKind::Rate: return triToJs(env_, facts_->rateReached(view_.rates[condition.first]));
      default: return maybeToJs(env_, policy::textOf(condition.kind, facts_));
    }
  }

 private:
  static bool isReadOnly(const Condition &condition) {
    return condition.first == static_cast<uint32_t>(policy::image::ReadOnly::Only);
  }

  const char *kindName() { return kObjectKindNames[static_cast<int>(policy::judgedKind(facts_->resourceKind()))]; }

  Napi::Value groups() {
    Napi::Array list = Napi::Array::New(env_);
    for (const uint32_t gid : facts_->gids()) list.Set(list.Length(), Napi::Number::New(env_, gid));
    return list;
  }

  Napi::Value argument(uint16_t nameId) {
    const FunctionFacts &function = virtshim::facts(request_.function);
    const int index = policy::findArgument(function, nameId);
    if (index < 0) return env_.Null();
    const ArgSlot slot = request_.args[index];
    switch (function.args[index].type) {
      case ArgType::Int:
      case ArgType::Long:
      case ArgType::LongLong: return numberToJs(env_, slot.i);
      case ArgType::UInt:
      case ArgType::ULong:
      case ArgType::ULongLong:
      case ArgType::Size: return unsignedToJs(env_, slot.u);
      default: break;
    }
    char scratch[policy::kArgumentScratch];
    return maybeToJs(env_, policy::argumentKey(nameId, request_, scratch));
  }

  Napi::Value parameters(const policy::image::Parameter &test) {
    Collector collector(env_);
    policy::parameterValues(view_, test, request_, &collector);
    return collector.values;
  }

  Napi::Value xmlValues(uint16_t fact) {
    Collector collector(env_, kXmlFacts[fact].isBoolean);
    if (facts_->xml() != policy::Tri::Yes || !facts_->xmlValues(fact, &collector)) return env_.Null();
    return collector.values;
  }

  Napi::Value time() {
    const policy::MaybeTime now = facts_->realtime();
    return now.known ? numberToJs(env_, now.seconds) : env_.Null();
  }

  Napi::Env env_;
  const View &view_;
  const policy::Request &request_;
  JsFacts *facts_;
};

class RuleList final : public policy::Explanations {
 public:
  RuleList(Napi::Env env, const policy::Policy &policy, const policy::Request &request, JsFacts *facts)
      : rules(Napi::Array::New(env)),
        env_(env),
        policy_(policy),
        request_(request),
        details_(env, policy.view(), request, facts) {}

  void add(const policy::ExplainedRule &rule) override {
    Napi::Object entry = Napi::Object::New(env_);
    entry.Set("rule", policy_.ruleId(rule.rule));
    entry.Set("effect", rule.effect == policy::Effect::Allow ? "allow" : "deny");
    entry.Set("permissive", policy_.view().rules[rule.rule].permissive != 0);
    entry.Set("permissions", permissionsOf(rule.checks));
    entry.Set("holds", rule.holds);
    entry.Set("failed", rule.holds ? env_.Null() : failed(rule).As<Napi::Value>());
    rules.Set(rules.Length(), entry);
  }

  Napi::Array rules;

 private:
  // A call that needs no permission has one check without a name.
  Napi::Array permissionsOf(uint16_t checks) {
    Napi::Array names = Napi::Array::New(env_);
    const FunctionFacts &function = facts(request_.function);
    for (int i = 0; i < function.checkCount; ++i) {
      if (checks >> i & 1) names.Set(names.Length(), kPermissionNames[function.checks[i].permission]);
    }
    return names;
  }

  Napi::Object failed(const policy::ExplainedRule &rule) {
    Napi::Object result = Napi::Object::New(env_);
    result.Set("condition", placeOf(policy_.view(), rule.failed));
    result.Set("not", rule.failed.negated != 0 && rule.failed.kind != ConditionKind::Rate);
    result.Set("wanted", details_.wanted(rule.failed));
    result.Set("actual", details_.actual(rule.failed));
    result.Set("unknown", rule.answer == policy::Tri::Unknown);
    return result;
  }

  Napi::Env env_;
  const policy::Policy &policy_;
  const policy::Request &request_;
  Details details_;
};

}  // namespace

Napi::Array explainRules(Napi::Env env, const policy::Policy &policy, const policy::Request &request, JsFacts *facts) {
  std::vector<uint16_t> coverage(policy.ruleCount() + 1);
  RuleList list(env, policy, request, facts);
  policy::explain(policy, request, coverage.data(), &list);
  return list.rules;
}

}  // namespace virtshim::addon
