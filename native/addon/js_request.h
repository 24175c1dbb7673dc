// A request as JavaScript describes it: function and arguments by their names, facts that may be left out.
#pragma once

#include <napi.h>

#include <list>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace virtshim::addon {

// Facts that are left out are unknown.
class JsFacts final : public policy::CallFacts {
 public:
  // `problem` tells what could not be understood, "" where all was.
  JsFacts(const Napi::Object &request, ObjectKind defaultKind, std::string *problem);

  uint32_t uid() override { return uid_; }
  bool inGroup(uint32_t gid) override;
  policy::MaybeString connectionUri() override { return view(uri_); }
  policy::MaybeString connectionDriver() override { return view(driver_); }
  policy::Tri connectionReadOnly() override { return readOnly_; }
  ObjectKind resourceKind() override { return kind_; }
  policy::MaybeString resourceName() override { return view(name_); }
  policy::MaybeString resourceUuid() override { return view(uuid_); }

 private:
  struct Text {
    bool known = false;
    std::string value;
  };

  static Text textOf(const Napi::Object &from, const char *key);
  static policy::MaybeString view(const Text &text) { return {text.known, text.value}; }

  uint32_t uid_ = 0;
  std::vector<uint32_t> gids_;
  policy::Tri readOnly_ = policy::Tri::Unknown;
  ObjectKind kind_;
  Text uri_, driver_, name_, uuid_;
};

// The arguments in the order of the prototype; what is left out is 0 or NULL. Owns the strings.
class JsArguments {
 public:
  JsArguments(const FunctionFacts &function, const Napi::Object &args, std::string *problem);

  const ArgSlot *slots() const { return slots_; }

 private:
  void set(const ArgFacts &arg, int index, const Napi::Value &value, std::string *problem);
  const void *keepText(const std::string &text);
  const void *keepUuid(const std::string &text, std::string *problem);

  ArgSlot slots_[kMaxArgs] = {};
  std::list<std::string> texts_;
};

}  // namespace virtshim::addon
