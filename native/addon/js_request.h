// A request as JavaScript describes it: function and arguments by their names, facts that may be left out.
#pragma once

#include <napi.h>

#include <list>
#include <string>
#include <vector>

#include "api/typed_parameter.h"
#include "policy/policy.h"
#include "xml/call_xml.h"

namespace virtshim::addon {

// Facts that are left out are unknown; those of XML are then what the arguments hold.
class JsFacts final : public policy::CallFacts {
 public:
  // `problem` tells what could not be understood, "" where all was.
  JsFacts(const Napi::Object &request, ObjectKind defaultKind, std::string *problem);

  // To be called before anything is asked; `xml` stays the caller's.
  void readXmlOf(xml::CallXml *xml);
  // The commands count that the arguments hold, unless the request says which one.
  void readCommandsOf(FunctionId function, const ArgSlot *args);

  uint32_t uid() override { return uid_; }
  bool inGroup(uint32_t gid) override;
  const std::vector<uint32_t> &gids() const { return gids_; }
  policy::MaybeString connectionUri() override { return view(uri_); }
  policy::MaybeString connectionDriver() override { return view(driver_); }
  policy::Tri connectionReadOnly() override { return readOnly_; }
  ObjectKind resourceKind() override { return kind_; }
  policy::MaybeString resourceName() override { return view(name_); }
  policy::MaybeString resourceUuid() override { return view(uuid_); }
  policy::MaybeId auid() override { return {true, auid_}; }
  policy::MaybeString executable() override { return view(executable_); }
  policy::MaybeString command() override { return view(command_); }
  policy::MaybeString terminal() override { return view(terminal_); }
  policy::MaybeString label() override { return view(label_); }
  policy::MaybeString actor() override { return view(actor_); }
  policy::MaybeString reason() override { return view(reason_); }
  policy::MaybeString connectionTransport() override { return view(transport_); }
  policy::MaybeString connectionHost() override { return view(host_); }
  policy::MonitorCommands monitorCommands() override;
  policy::Tri xml() override { return callXml_ ? callXml_->present() : xml_; }
  bool xmlValues(uint16_t fact, policy::XmlValues *out) override;
  policy::Tri xpath(const char *expression) override;
  policy::MaybeTime realtime() override { return time_; }
  policy::Tri rateReached(const policy::image::Rate &) override { return rateReached_; }

 private:
  struct Text {
    bool known = false;
    std::string value;
  };

  static Text textOf(const Napi::Object &from, const char *key);
  static policy::MaybeString view(const Text &text) { return {text.known, text.value}; }

  void readUri();
  void readXml(const Napi::Value &xml, std::string *problem);

  uint32_t uid_ = 0;
  uint32_t auid_ = policy::kNoAuid;
  std::vector<uint32_t> gids_;
  policy::Tri readOnly_ = policy::Tri::Unknown;
  policy::Tri rateReached_ = policy::Tri::Unknown;
  policy::Tri xml_ = policy::Tri::Unknown;
  policy::MaybeTime time_ = {false, 0};
  ObjectKind kind_;
  policy::MonitorCommands commands_ = {false, 0, {}};
  Text uri_, driver_, transport_, host_, name_, uuid_;
  Text executable_, command_, terminal_, label_, actor_, reason_, monitorCommand_;
  Napi::Object xmlFacts_, xpaths_;  // by name, by expression
  bool xmlGiven_ = false;
  xml::CallXml *callXml_ = nullptr;
};

// The arguments in the order of the prototype; what is left out is 0 or NULL. Owns the strings.
class JsArguments {
 public:
  JsArguments(const FunctionFacts &function, const Napi::Object &args, std::string *problem);

  const ArgSlot *slots() const { return slots_; }

 private:
  void set(const ArgFacts &arg, int index, const Napi::Value &value, std::string *problem);
  void setParameters(const ArgFacts &arg, int index, const Napi::Object &fields, std::string *problem);
  bool addParameter(const std::string &field, const Napi::Value &value);
  const char *keepText(const std::string &text);
  const void *keepUuid(const std::string &text, std::string *problem);

  ArgSlot slots_[kMaxArgs] = {};
  std::list<std::string> texts_;
  std::vector<TypedParameter> parameters_;  // a function reads one list of them
};

}  // namespace virtshim::addon
