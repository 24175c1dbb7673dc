#include "addon/js_request.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "api/xml_facts.h"
#include "policy/connection_uri.h"
#include "policy/monitor_command.h"

namespace virtshim::addon {

namespace {

Napi::Object objectAt(const Napi::Object &from, const char *key) {
  const Napi::Value value = from.Get(key);
  return value.IsObject() ? value.As<Napi::Object>() : Napi::Object::New(from.Env());
}

ObjectKind kindNamed(const std::string &name, std::string *problem) {
  for (int i = 0; i < kObjectKindCount; ++i) {
    if (name == kObjectKindNames[i]) return static_cast<ObjectKind>(i);
  }
  *problem = "unknown kind of resource `" + name + "`";
  return ObjectKind::None;
}

policy::Tri triAt(const Napi::Object &from, const char *key) {
  const Napi::Value value = from.Get(key);
  if (!value.IsBoolean()) return policy::Tri::Unknown;
  return value.As<Napi::Boolean>().Value() ? policy::Tri::Yes : policy::Tri::No;
}

bool isXmlFact(const std::string &name) {
  return std::any_of(kXmlFacts, kXmlFacts + kXmlFactCount, [&](const XmlFact &fact) { return name == fact.name; });
}

void handOut(const Napi::Value &value, policy::XmlValues *out) {
  if (value.IsNumber()) return out->number(value.As<Napi::Number>().Int64Value());
  if (value.IsBoolean()) return out->number(value.As<Napi::Boolean>().Value());
  const std::string text = value.ToString().Utf8Value();
  out->text(text);
}

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

JsFacts::JsFacts(const Napi::Object &request, ObjectKind defaultKind, std::string *problem) : kind_(defaultKind) {
  const Napi::Value uid = request.Get("uid");
  if (uid.IsNumber()) uid_ = uid.As<Napi::Number>().Uint32Value();
  const Napi::Value gids = request.Get("gids");
  if (gids.IsArray()) {
    const Napi::Array list = gids.As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); ++i) gids_.push_back(list.Get(i).ToNumber().Uint32Value());
  }
  const Napi::Object connection = objectAt(request, "connection");
  uri_ = textOf(connection, "uri");
  driver_ = textOf(connection, "driver");
  transport_ = textOf(connection, "transport");
  host_ = textOf(connection, "host");
  readOnly_ = triAt(connection, "readOnly");
  readUri();
  const Napi::Object resource = objectAt(request, "resource");
  const Text kind = textOf(resource, "kind");
  if (kind.known) kind_ = kindNamed(kind.value, problem);
  name_ = textOf(resource, "name");
  uuid_ = textOf(resource, "uuid");
  const Napi::Value auid = request.Get("auid");
  if (auid.IsNumber()) auid_ = auid.As<Napi::Number>().Uint32Value();
  executable_ = textOf(request, "executable");
  command_ = textOf(request, "command");
  terminal_ = textOf(request, "terminal");
  label_ = textOf(request, "label");
  actor_ = textOf(request, "actor");
  reason_ = textOf(request, "reason");
  monitorCommand_ = textOf(request, "monitorCommand");
  const Napi::Value time = request.Get("time");
  if (time.IsNumber()) time_ = {true, time.As<Napi::Number>().Int64Value()};
  rateReached_ = triAt(request, "rateReached");
  readXml(request.Get("xml"), problem);
}

// What is said of the connection beside its URI counts more.
void JsFacts::readUri() {
  if (!uri_.known) return;
  const policy::ConnectionUri parts(uri_.value);
  const auto fill = [](Text *text, policy::MaybeString found) {
    if (!text->known && found.known) *text = {true, std::string(found.value)};
  };
  fill(&driver_, parts.driver());
  fill(&transport_, parts.transport());
  fill(&host_, parts.host());
  policy::foldUri(uri_.value.data(), uri_.value.size());
}

void JsFacts::readXml(const Napi::Value &xml, std::string *problem) {
  xmlGiven_ = !xml.IsUndefined();
  if (xml.IsNull()) xml_ = policy::Tri::No;
  if (!xml.IsObject()) return;
  xml_ = policy::Tri::Yes;
  xmlFacts_ = objectAt(xml.As<Napi::Object>(), "facts");
  xpaths_ = objectAt(xml.As<Napi::Object>(), "xpath");
  const Napi::Array names = xmlFacts_.GetPropertyNames();
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    if (!isXmlFact(name) || !xmlFacts_.Get(name).IsArray()) *problem = "unknown fact of XML `" + name + "`";
  }
}

void JsFacts::readCommandsOf(FunctionId function, const ArgSlot *args) {
  commands_ = policy::monitorCommandsOf(function, args);
}

void JsFacts::readXmlOf(xml::CallXml *xml) {
  if (!xmlGiven_) callXml_ = xml;
}

bool JsFacts::xmlValues(uint16_t fact, policy::XmlValues *out) {
  if (callXml_) return callXml_->values(fact, out);
  if (xmlFacts_.IsEmpty()) return false;
  const Napi::Value values = xmlFacts_.Get(kXmlFacts[fact].name);
  if (!values.IsArray()) return false;
  const Napi::Array list = values.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) handOut(list.Get(i), out);
  return true;
}

policy::Tri JsFacts::xpath(const char *expression) {
  if (callXml_) return callXml_->xpath(expression);
  return xpaths_.IsEmpty() ? policy::Tri::Unknown : triAt(xpaths_, expression);
}

policy::MonitorCommands JsFacts::monitorCommands() {
  if (monitorCommand_.known) return {true, 1, {monitorCommand_.value}};
  return commands_;
}

bool JsFacts::inGroup(uint32_t gid) { return std::find(gids_.begin(), gids_.end(), gid) != gids_.end(); }

JsFacts::Text JsFacts::textOf(const Napi::Object &from, const char *key) {
  const Napi::Value value = from.Get(key);
  Text text;
  if (value.IsString()) {
    text = {true, value.As<Napi::String>().Utf8Value()};
  } else if (value.IsTypedArray()) {
    // Names of libvirt objects are bytes, which need not be text.
    const Napi::Uint8Array bytes = value.As<Napi::Uint8Array>();
    text = {true, std::string(reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength())};
  }
  return text;
}

JsArguments::JsArguments(const FunctionFacts &function, const Napi::Object &args, std::string *problem) {
  const Napi::Array names = args.GetPropertyNames();
  for (uint32_t n = 0; n < names.Length(); ++n) {
    const std::string name = names.Get(n).ToString().Utf8Value();
    int index = 0;
    while (index < function.argCount && name != function.args[index].name) ++index;
    if (index < function.argCount) {
      set(function.args[index], index, args.Get(name), problem);
    } else {
      *problem = "`" + std::string(function.name) + "` has no argument `" + name + "`";
    }
  }
}

void JsArguments::set(const ArgFacts &arg, int index, const Napi::Value &value, std::string *problem) {
  bool lossless = false;
  if (value.IsNumber()) {
    slots_[index].i = value.As<Napi::Number>().Int64Value();
  } else if (value.IsBigInt()) {
    slots_[index].u = value.As<Napi::BigInt>().Uint64Value(&lossless);
  } else if (value.IsString() && arg.type == ArgType::String) {
    slots_[index].p = keepText(value.As<Napi::String>().Utf8Value());
  } else if (value.IsString() && arg.type == ArgType::Uuid) {
    slots_[index].p = keepUuid(value.As<Napi::String>().Utf8Value(), problem);
  } else if (value.IsObject() && arg.type == ArgType::TypedParams) {
    setParameters(arg, index, value.As<Napi::Object>(), problem);
  } else if (!value.IsNull() && !value.IsUndefined()) {
    *problem = "argument `" + std::string(arg.name) + "` cannot be given like this";
  }
}

void JsArguments::setParameters(const ArgFacts &arg, int index, const Napi::Object &fields, std::string *problem) {
  const Napi::Array pairs = fields.IsArray() ? fields.As<Napi::Array>() : fields.GetPropertyNames();
  for (uint32_t i = 0; i < pairs.Length(); ++i) {
    const Napi::Value pair = pairs.Get(i);
    const bool isPair = fields.IsArray() && pair.IsArray();
    const Napi::Value field = isPair ? pair.As<Napi::Array>().Get(uint32_t{0}) : pair;
    const Napi::Value value = isPair ? pair.As<Napi::Array>().Get(uint32_t{1}) : fields.Get(pair);
    const std::string name = field.ToString().Utf8Value();
    if (!addParameter(name, value)) *problem = "typed parameter `" + name + "` cannot be given like this";
  }
  slots_[index].p = parameters_.data();
  if (arg.count >= 0) slots_[arg.count].i = static_cast<int64_t>(parameters_.size());
}

bool JsArguments::addParameter(const std::string &field, const Napi::Value &value) {
  TypedParameter parameter = {};
  if (field.size() >= sizeof parameter.field) return false;
  memcpy(parameter.field, field.data(), field.size());
  bool lossless = true;
  TypedParameterType type = TypedParameterType::LongLong;
  if (value.IsBoolean()) {
    type = TypedParameterType::Boolean;
    parameter.b = value.As<Napi::Boolean>().Value();
  } else if (value.IsString()) {
    type = TypedParameterType::String;
    parameter.s = keepText(value.As<Napi::String>().Utf8Value());
  } else if (value.IsBigInt()) {
    parameter.l = value.As<Napi::BigInt>().Int64Value(&lossless);
    if (!lossless) type = TypedParameterType::ULongLong;
    if (!lossless) parameter.ul = value.As<Napi::BigInt>().Uint64Value(&lossless);
  } else if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    const bool whole = std::trunc(number) == number && std::fabs(number) < 9e15;
    if (!whole) type = TypedParameterType::Double;
    if (whole)
      parameter.l = static_cast<long long>(number);
    else
      parameter.d = number;
  } else {
    return false;
  }
  parameter.type = static_cast<int>(type);
  parameters_.push_back(parameter);
  return lossless;
}

const char *JsArguments::keepText(const std::string &text) { return texts_.emplace_back(text).c_str(); }

const void *JsArguments::keepUuid(const std::string &text, std::string *problem) {
  std::string bytes;
  int nibbles = 0;
  for (const char c : text) {
    const int value = hexValue(c);
    if (value < 0) continue;
    if (nibbles++ % 2 == 0) {
      bytes.push_back(static_cast<char>(value << 4));
    } else {
      bytes.back() = static_cast<char>(bytes.back() | value);
    }
  }
  if (nibbles != 32) *problem = "`" + text + "` is not a uuid";
  bytes.resize(16);
  return texts_.emplace_back(bytes).data();
}

}  // namespace virtshim::addon
