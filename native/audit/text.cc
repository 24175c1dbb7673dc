#include "audit/text.h"

#include <cstring>

#include "audit/encode.h"
#include "sys/starts_with.h"

namespace virtshim::audit {
namespace {

// How many raw bytes of the values that may be long are shown.
struct Limits {
  size_t uri, path, exe, rule, target, asserted;
};
constexpr Limits kWide = {512, 400, 512, 256, 255, 256};
constexpr Limits kNarrow = {128, 96, 128, 64, 96, 64};  // 4096 bytes hold these even where every byte is encoded
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

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

size_t skipBlanks(std::string_view text, size_t at) {
  while (at < text.size() && blank(text[at])) at++;
  return at;
}

// The value of an attribute of a start tag; "" where there is none. `tag` begins behind the element's name.
std::string_view attributeOf(std::string_view tag, std::string_view name) {
  while (true) {
    size_t begin = skipBlanks(tag, 0), end = begin;
    while (end < tag.size() && tag[end] != '=' && !blank(tag[end])) end++;
    size_t quote = skipBlanks(tag, end);
    if (quote >= tag.size() || tag[quote] != '=') return {};
    quote = skipBlanks(tag, quote + 1);
    if (quote >= tag.size() || (tag[quote] != '"' && tag[quote] != '\'')) return {};
    size_t close = tag.find(tag[quote], quote + 1);
    if (close == std::string_view::npos) return {};
    if (tag.substr(begin, end - begin) == name) return tag.substr(quote + 1, close - quote - 1);
    tag.remove_prefix(close + 1);
  }
}

// The device's kind and the host path behind it, from the XML that attach, detach and update take.
struct Device {
  std::string_view kind, path;
};

// Only where there is no doubt which one libvirt takes: comments, declarations, a second source and references leave it
// out of the text; the XML record has the whole argument.
std::string_view sourcePath(std::string_view xml) {
  constexpr std::string_view kSource = "<source";
  size_t source = xml.find(kSource);
  if (source == std::string_view::npos || xml.find("<!") != std::string_view::npos) return {};
  std::string_view tag = xml.substr(source + kSource.size());
  if (tag.empty() || !blank(tag[0]) || tag.find(kSource) != std::string_view::npos) return {};
  for (const char *name : {"file", "dev", "dir", "path"}) {
    std::string_view path = attributeOf(tag, name);
    if (!path.empty()) return path.find('&') == std::string_view::npos ? path : std::string_view();
  }
  return {};
}

Device readDevice(std::string_view xml) {
  size_t open = 0;
  while (open < xml.size() && xml[open] != '<') open++;
  size_t begin = open + 1, end = begin;
  while (end < xml.size() && xml[end] >= 'a' && xml[end] <= 'z') end++;
  Device device{begin < xml.size() ? xml.substr(begin, end - begin) : std::string_view(), {}};
  device.path = sourcePath(xml);
  return device;
}

class TextWriter {
 public:
  TextWriter(const Event &event, const TextPlace &place, Redactor *redactor, const Limits &limits, Buffer *out)
      : event_(event), facts_(facts(event.function)), place_(place), redactor_(redactor), limits_(limits), out_(out) {}

  void write() {
    out_->append("virt=");
    out_->append(wordOr(event_.connection.driver, "?"));
    word("op", facts_.name);
    word("reason", reasonOf(event_));
    guest();
    extras();
    asserted();
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
    if (!place_.chain.empty()) word("chain", place_.chain.substr(0, 16));
    if (!place_.trail.empty()) word("trail", place_.trail);
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
    std::string_view path = redactor_->redacted(device.path, TextKind::Plain);
    if (!path.empty()) appendAuditField(out_, "path", cutUtf8(path, limits_.path));
  }

  // Names of our own that say what they are, and encodings that no tool undoes: the user of a record is the kernel's.
  void asserted() {
    assertion("asserted-actor", event_.asserted.actor);
    assertion("asserted-via", event_.asserted.via);
    assertion("asserted-reason", event_.asserted.reason);
  }

  void assertion(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    std::string_view clean = redactor_->redacted(value, TextKind::Plain), kept = cutUtf8(clean, limits_.asserted);
    word(name, "\"");
    appendPercentEncoded(out_, kept);
    out_->append(kept.size() < clean.size() ? "...\"" : "\"");
  }

  void uri() {
    if (event_.connection.uri.empty()) return;
    percent("uri", cutUtf8(redactor_->redacted(event_.connection.uri, TextKind::Plain), limits_.uri));
  }

  const Event &event_;
  const FunctionFacts &facts_;
  const TextPlace &place_;
  Redactor *redactor_;
  const Limits &limits_;
  Buffer *out_;
};

}  // namespace

bool writeAuditText(const Event &event, const TextPlace &place, Redactor *redactor, Buffer *out) {
  for (const Limits *limits : {&kWide, &kNarrow}) {
    out->clear();
    TextWriter(event, place, redactor, *limits, out).write();
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
