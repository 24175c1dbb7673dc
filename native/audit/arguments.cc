#include "audit/arguments.h"

#include <cstring>

#include "audit/encode.h"
#include "audit/xml.h"
#include "sys/sha256.h"

namespace virtshim::audit {
namespace {

constexpr int64_t kMaxItems = 1024;
constexpr size_t kMaxScanned = 16 * 1024 * 1024;
constexpr size_t kMaxItemBytes = 64 * 1024;
constexpr size_t kUuidBytes = 16;

// virTypedParameter of libvirt-common.h: part of its ABI since 0.9.0.
struct TypedParameter {
  char field[80];
  int type;
  union {
    int i;
    unsigned ui;
    long long l;
    unsigned long long ul;
    double d;
    char b;
    char *s;
  } value;
};
static_assert(sizeof(TypedParameter) == 96, "the layout of virTypedParameter");

enum TypedKind { kInt = 1, kUInt, kLongLong, kULongLong, kDouble, kBoolean, kString };
constexpr const char *kTypedNames[] = {"unknown", "int", "uint", "llong", "ullong", "double", "boolean", "string"};

std::string_view readString(const void *p, size_t limit) {
  const char *text = static_cast<const char *>(p);
  return {text, strnlen(text, limit)};
}

// Decimal, enough digits to tell doubles apart, without the locale's comma: libvirt's doubles are few and small.
void appendDouble(Buffer *out, double value) {
  if (value != value) return out->append("nan");
  if (value < 0) {
    out->append('-');
    value = -value;
  }
  if (value > 1e18) return out->append("inf");
  uint64_t whole = static_cast<uint64_t>(value);
  out->appendUnsigned(whole);
  uint64_t millionths = static_cast<uint64_t>((value - static_cast<double>(whole)) * 1e6);
  out->append('.');
  for (uint64_t unit = 100000; unit; unit /= 10) out->append(static_cast<char>('0' + millionths / unit % 10));
}

class ParamWriter {
 public:
  ParamWriter(const Event &event, Redactor *redactor, Buffer *out)
      : event_(event), facts_(facts(event.function)), redactor_(redactor), out_(out) {}

  void write() {
    out_->append("<param>");
    for (int i = 0; i < facts_.argCount; i++) argument(i);
    out_->append("</param>");
  }

 private:
  void open(const char *name) {
    out_->append('<');
    out_->append(name);
  }

  void close(const char *name) {
    out_->append("</");
    out_->append(name);
    out_->append('>');
  }

  void marked(const char *name, std::string_view attribute) {
    open(name);
    out_->append(' ');
    out_->append(attribute);
    out_->append("=\"1\"/>");
  }

  void argument(int index) {
    const ArgFacts &arg = facts_.args[index];
    const ArgSlot &slot = event_.args[index];
    switch (arg.type) {
      case ArgType::Int:
      case ArgType::Long:
      case ArgType::LongLong:
      case ArgType::UInt:
      case ArgType::ULong:
      case ArgType::ULongLong:
      case ArgType::Size:
      case ArgType::Double: return number(arg, slot);
      case ArgType::Out: return slot.p ? marked(arg.name, "out") : marked(arg.name, "null");
      case ArgType::Callback:
      case ArgType::Opaque: return slot.p ? marked(arg.name, "opaque") : marked(arg.name, "null");
      default: break;
    }
    if (!slot.p) return marked(arg.name, "null");
    if (arg.secret) return secret(index);
    switch (arg.type) {
      case ArgType::String: return string(arg, readString(slot.p, kMaxScanned));
      case ArgType::StringList: return stringList(index);
      case ArgType::TypedParams: return typedParams(index);
      case ArgType::IntList: return intList(index);
      case ArgType::Uuid: return uuid(arg, static_cast<const uint8_t *>(slot.p));
      case ArgType::Bytes: return bytes(index);
      case ArgType::Object: return object(index);
      default: return;
    }
  }

  void number(const ArgFacts &arg, const ArgSlot &slot) {
    open(arg.name);
    out_->append('>');
    bool isSigned = arg.type == ArgType::Int || arg.type == ArgType::Long || arg.type == ArgType::LongLong;
    if (arg.type == ArgType::Double)
      appendDouble(out_, slot.d);
    else if (isSigned)
      out_->appendSigned(slot.i);
    else
      out_->appendUnsigned(slot.u);
    close(arg.name);
  }

  // How many items the argument has; -1 where the API ends the list with a NULL.
  int64_t countOf(int index) const {
    int8_t count = facts_.args[index].count;
    if (count < 0) return -1;
    const ArgSlot &slot = event_.args[count];
    switch (facts_.args[count].type) {
      case ArgType::Int:
      case ArgType::Long:
      case ArgType::LongLong: return slot.i < 0 ? 0 : slot.i;
      case ArgType::UInt:
      case ArgType::ULong:
      case ArgType::ULongLong:
      case ArgType::Size: return slot.u > INT64_MAX ? INT64_MAX : static_cast<int64_t>(slot.u);
      default: return 0;  // a length that the function itself fills in
    }
  }

  void secret(int index) {
    const ArgFacts &arg = facts_.args[index];
    const void *p = event_.args[index].p;
    std::string_view value;
    if (arg.type == ArgType::String) {
      value = readString(p, kMaxScanned);
    } else if ((arg.type == ArgType::Bytes || arg.type == ArgType::IntList) && arg.count >= 0) {
      uint64_t size = static_cast<uint64_t>(countOf(index)) * (arg.type == ArgType::IntList ? sizeof(int) : 1);
      value = {static_cast<const char *>(p), size < kMaxScanned ? size : kMaxScanned};
    }
    open(arg.name);
    out_->append(" redacted=\"1\">");
    redactor_->appendDigest(out_, value);
    close(arg.name);
  }

  void string(const ArgFacts &arg, std::string_view value) {
    open(arg.name);
    text(redactor_->redacted(value, textKindOf(arg)));
    close(arg.name);
  }

  // The rest of an open start tag, and the text, whole or cut.
  void text(std::string_view value) {
    if (value.size() > kMaxArgumentBytes) {
      uint8_t digest[kSha256Size];
      char hex[2 * kSha256Size];
      sha256(value.data(), value.size(), digest);
      hexLower(digest, sizeof digest, hex);
      out_->append(" bytes=\"");
      out_->appendUnsigned(value.size());
      out_->append("\" sha256=\"");
      out_->append(std::string_view(hex, sizeof hex));
      out_->append('"');
      value = cutUtf8(value, kMaxArgumentBytes);
    }
    out_->append('>');
    appendXmlEscaped(out_, value);
  }

  // Start of a list, with a mark where it is longer than what is shown. Returns how many to show.
  int64_t openList(const char *name, int64_t count) {
    open(name);
    if (count > kMaxItems) {
      out_->append(" count=\"");
      out_->appendSigned(count);
      out_->append('"');
    }
    out_->append('>');
    return count > kMaxItems ? kMaxItems : count;
  }

  void stringList(int index) {
    const ArgFacts &arg = facts_.args[index];
    const char *const *items = static_cast<const char *const *>(event_.args[index].p);
    int64_t count = countOf(index);
    if (count < 0)
      for (count = 0; count <= kMaxItems && items[count];) count++;
    int64_t shown = openList(arg.name, count);
    for (int64_t i = 0; i < shown; i++) {
      if (!items[i]) {
        out_->append("<item null=\"1\"/>");
        continue;
      }
      out_->append("<item>");
      appendXmlEscaped(out_, redactor_->redacted(readString(items[i], kMaxItemBytes), textKindOf(arg)));
      out_->append("</item>");
    }
    close(arg.name);
  }

  void intList(int index) {
    const ArgFacts &arg = facts_.args[index];
    const int *items = static_cast<const int *>(event_.args[index].p);
    int64_t count = countOf(index);
    int64_t shown = openList(arg.name, count < 0 ? 0 : count);
    for (int64_t i = 0; i < shown; i++) {
      out_->append("<item>");
      out_->appendSigned(items[i]);
      out_->append("</item>");
    }
    close(arg.name);
  }

  void typedParams(int index) {
    const ArgFacts &arg = facts_.args[index];
    const TypedParameter *params = static_cast<const TypedParameter *>(event_.args[index].p);
    int64_t count = countOf(index);
    int64_t shown = openList(arg.name, count < 0 ? 0 : count);
    for (int64_t i = 0; i < shown; i++) field(params[i]);
    close(arg.name);
  }

  void field(const TypedParameter &param) {
    std::string_view name = readString(param.field, sizeof param.field);
    bool known = param.type >= kInt && param.type <= kString;
    out_->append("<field name=\"");
    appendXmlEscaped(out_, name);
    out_->append("\" type=\"");
    out_->append(kTypedNames[known ? param.type : 0]);
    if (param.type == kString && !param.value.s) return out_->append("\" null=\"1\"/>");
    out_->append("\">");
    fieldValue(param, name);
    out_->append("</field>");
  }

  void fieldValue(const TypedParameter &param, std::string_view name) {
    switch (param.type) {
      case kInt: return out_->appendSigned(param.value.i);
      case kUInt: return out_->appendUnsigned(param.value.ui);
      case kLongLong: return out_->appendSigned(param.value.l);
      case kULongLong: return out_->appendUnsigned(param.value.ul);
      case kDouble: return appendDouble(out_, param.value.d);
      case kBoolean: return out_->appendUnsigned(param.value.b != 0);
      case kString: return fieldString(name, readString(param.value.s, kMaxArgumentBytes));
      default: return;
    }
  }

  void fieldString(std::string_view name, std::string_view value) {
    if (namesSecret(name)) return redactor_->appendDigest(out_, value);
    bool xml = name.size() >= 3 && name.substr(name.size() - 3) == "xml";
    appendXmlEscaped(out_, redactor_->redacted(value, xml ? TextKind::Xml : TextKind::Plain));
  }

  void uuid(const ArgFacts &arg, const uint8_t *raw) {
    char hex[2 * kUuidBytes];
    hexLower(raw, kUuidBytes, hex);
    open(arg.name);
    out_->append('>');
    for (int i = 0; i < static_cast<int>(sizeof hex); i++) {
      if (i == 8 || i == 12 || i == 16 || i == 20) out_->append('-');
      out_->append(hex[i]);
    }
    close(arg.name);
  }

  void bytes(int index) {
    const ArgFacts &arg = facts_.args[index];
    int64_t count = countOf(index);
    open(arg.name);
    if (count >= 0) {
      out_->append(" bytes=\"");
      out_->appendSigned(count);
      out_->append("\"/>");
    } else {
      out_->append(" opaque=\"1\"/>");
    }
  }

  void object(int index) {
    const ArgFacts &arg = facts_.args[index];
    open(arg.name);
    if (index == facts_.resourceArg && arg.object != ObjectKind::Connect && !event_.resource.name.empty()) {
      out_->append('>');
      appendXmlEscaped(out_, event_.resource.name);
      return close(arg.name);
    }
    out_->append(" kind=\"");
    out_->append(kObjectKindNames[static_cast<int>(arg.object)]);
    out_->append("\"/>");
  }

  const Event &event_;
  const FunctionFacts &facts_;
  Redactor *redactor_;
  Buffer *out_;
};

bool hasXml(std::string_view name) {
  return name.find("xml") != std::string_view::npos || name.find("Xml") != std::string_view::npos ||
         name.find("XML") != std::string_view::npos;
}

}  // namespace

TextKind textKindOf(const ArgFacts &arg) {
  std::string_view name = arg.name;
  if (hasXml(name) || name == "srcSpec") return TextKind::Xml;
  if (name == "cmd" || name == "command" || name == "nativeConfig") return TextKind::Command;
  return TextKind::Plain;
}

void appendParam(const Event &event, Redactor *redactor, Buffer *out) { ParamWriter(event, redactor, out).write(); }

}  // namespace virtshim::audit
