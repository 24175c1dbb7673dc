#include "audit/text.h"

#include <cstring>

#include "audit/encode.h"

namespace virtshim::audit {
namespace {

// How many raw bytes of the values that may be long are shown.
struct Limits {
  size_t uri, path, exe, rule, target;
};
constexpr Limits kWide = {512, 400, 512, 256, 255};
constexpr Limits kNarrow = {128, 96, 128, 64, 96};  // 4096 bytes hold these even where every byte is encoded
constexpr size_t kMaxVmBytes = 255;

bool plainWord(std::string_view word) {
  for (char c : word)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("_-./:", c)))
      return false;
  return !word.empty() && word.size() <= 64;
}

std::string_view wordOr(std::string_view word, std::string_view otherwise) {
  return plainWord(word) ? word : otherwise;
}

std::string_view reasonOf(const Event &event) {
  if (event.verdict == Verdict::Denied) return "denied";
  return event.success ? "permitted" : "error";
}

bool startsWith(std::string_view text, std::string_view what) { return text.substr(0, what.size()) == what; }

// The value of the first of these attributes in a device's XML; "" where there is none.
std::string_view attributeOf(std::string_view xml, std::string_view name) {
  for (size_t at = xml.find(name); at != std::string_view::npos; at = xml.find(name, at + 1)) {
    size_t quote = at + name.size();
    if (at == 0 || xml[at - 1] != ' ' || quote + 1 >= xml.size() || xml[quote] != '=') continue;
    char mark = xml[quote + 1];
    if (mark != '"' && mark != '\'') continue;
    size_t end = xml.find(mark, quote + 2);
    if (end != std::string_view::npos) return xml.substr(quote + 2, end - quote - 2);
  }
  return {};
}

// The device's kind and the host path behind it, from the XML that attach, detach and update take.
struct Device {
  std::string_view kind, path;
};

Device readDevice(std::string_view xml) {
  size_t open = 0;
  while (open < xml.size() && xml[open] != '<') open++;
  size_t begin = open + 1, end = begin;
  while (end < xml.size() && xml[end] >= 'a' && xml[end] <= 'z') end++;
  Device device{begin < xml.size() ? xml.substr(begin, end - begin) : std::string_view(), {}};
  size_t source = xml.find("<source");
  if (source == std::string_view::npos) return device;
  std::string_view tag = xml.substr(source, xml.find('>', source) - source);
  for (const char *name : {"file", "dev", "dir", "path"}) {
    device.path = attributeOf(tag, name);
    if (!device.path.empty()) break;
  }
  return device;
}

class TextWriter {
 public:
  TextWriter(const Event &event, std::string_view chain, Redactor *redactor, const Limits &limits, Buffer *out)
      : event_(event), facts_(facts(event.function)), chain_(chain), redactor_(redactor), limits_(limits), out_(out) {}

  void write() {
    out_->append("virt=");
    out_->append(wordOr(event_.connection.driver, "?"));
    word("op", facts_.name);
    word("reason", reasonOf(event_));
    guest();
    extras();
    uri();
    appendAuditField(out_, "comm", event_.subject.comm);
    appendAuditField(out_, "exe", cutUtf8(event_.subject.exe, limits_.exe));
    out_->append(" hostname=? addr=?");
    word("terminal", wordOr(event_.subject.terminal, "?"));
    word("res", event_.success && event_.verdict != Verdict::Denied ? "success" : "failed");
  }

 private:
  void word(std::string_view name, std::string_view value) {
    out_->append(' ');
    out_->append(name);
    out_->append('=');
    out_->append(value);
  }

  void number(std::string_view name, int64_t value) {
    word(name, {});
    out_->appendSigned(value);
  }

  void percent(std::string_view name, std::string_view value) {
    word(name, "\"");
    appendPercentEncoded(out_, value);
    out_->append('"');
  }

  // vm= and uuid= name guests only: tools take them for nothing else.
  void guest() {
    const Resource &on = event_.resource;
    bool domain = on.kind == ObjectKind::Domain;
    bool ofDomain = on.kind == ObjectKind::DomainSnapshot || on.kind == ObjectKind::DomainCheckpoint;
    std::string_view name = domain ? on.name : ofDomain ? on.parent : std::string_view();
    if (!name.empty()) appendAuditField(out_, "vm", name.substr(0, kMaxVmBytes));
    if ((domain || ofDomain) && plainWord(on.uuid)) word("uuid", on.uuid);
    if (!domain && on.kind != ObjectKind::None && on.kind != ObjectKind::Connect) target();
  }

  void target() {
    const Resource &on = event_.resource;
    word("target", "\"");
    out_->append(kObjectKindNames[static_cast<int>(on.kind)]);
    out_->append(':');
    appendPercentEncoded(out_, cutUtf8(on.name.empty() ? on.uuid : on.name, limits_.target));
    out_->append('"');
  }

  void extras() {
    if (!event_.rule.empty()) percent("rule", cutUtf8(event_.rule, limits_.rule));
    if (event_.verdict != Verdict::Denied && !event_.success && event_.error.present) number("err", event_.error.code);
    if (event_.args) arguments();
    word("rid", {});
    out_->appendHex(event_.rid);
    if (!chain_.empty()) word("chain", chain_.substr(0, 16));
  }

  void arguments() {
    if (facts_.flagsArg >= 0 && event_.args[facts_.flagsArg].u != 0) {
      word("apiflags", "0x");
      out_->appendHexShort(event_.args[facts_.flagsArg].u & 0xffffffff);
    }
    std::string_view name = facts_.name;
    if (startsWith(name, "virDomainAttachDevice") || startsWith(name, "virDomainDetachDevice") ||
        startsWith(name, "virDomainUpdateDevice"))
      device();
    if (startsWith(name, "virDomainSetMemory") || name == "virDomainSetMaxMemory") numberOf("memory", "new-mem");
    if (startsWith(name, "virDomainSetVcpus")) numberOf("nvcpus", "new-vcpu");
  }

  int argumentIndex(std::string_view name) const {
    for (int i = 0; i < facts_.argCount; i++)
      if (name == facts_.args[i].name) return i;
    return -1;
  }

  void numberOf(std::string_view argument, std::string_view field) {
    int index = argumentIndex(argument);
    if (index < 0) return;
    word(field, {});
    out_->appendUnsigned(event_.args[index].u);
  }

  void device() {
    int index = argumentIndex("xml");
    if (index < 0 || !event_.args[index].p) return;
    const char *xml = static_cast<const char *>(event_.args[index].p);
    Device device = readDevice({xml, strnlen(xml, 64 * 1024)});
    if (plainWord(device.kind)) word("dev", device.kind);
    if (!device.path.empty()) appendAuditField(out_, "path", cutUtf8(device.path, limits_.path));
  }

  void uri() {
    if (event_.connection.uri.empty()) return;
    percent("uri", cutUtf8(redactor_->redacted(event_.connection.uri, TextKind::Plain), limits_.uri));
  }

  const Event &event_;
  const FunctionFacts &facts_;
  std::string_view chain_;
  Redactor *redactor_;
  const Limits &limits_;
  Buffer *out_;
};

}  // namespace

bool writeAuditText(const Event &event, std::string_view chain, Redactor *redactor, Buffer *out) {
  for (const Limits *limits : {&kWide, &kNarrow}) {
    out->clear();
    TextWriter(event, chain, redactor, *limits, out).write();
    if (out->size() <= kMaxTextBytes) break;
  }
  return out->ok();
}

void writeAuditOrigin(const Subject &subject, Buffer *out) {
  out->append("pid=");
  out->appendUnsigned(subject.pid);
  out->append(" uid=");
  out->appendUnsigned(subject.uid);
  out->append(" auid=");
  out->appendUnsigned(subject.auid);
  out->append(" ses=");
  out->appendUnsigned(subject.ses);
  std::string_view label = subject.subj.substr(0, subject.subj.find(' '));
  if (!plainWord(label)) return;
  out->append(" subj=");
  out->append(label);
}

}  // namespace virtshim::audit
