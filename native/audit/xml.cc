#include "audit/xml.h"

#include <cstring>

#include "audit/arguments.h"
#include "audit/encode.h"

namespace virtshim::audit {
namespace {

constexpr size_t kHeadroom = 96;  // root name, rid and a sequence number of 20 digits
constexpr std::string_view kZeroChain = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr size_t kMaxMessage = 16 * 1024;
constexpr size_t kMaxCached = 16 * 1024;

const char *rootName(Phase phase) {
  switch (phase) {
    case Phase::Call: return "methodcall";
    case Phase::Response: return "methodresponse";
    default: return "notice";
  }
}

const char *effectName(Verdict verdict) {
  switch (verdict) {
    case Verdict::Permitted: return "permitted";
    case Verdict::Denied: return "denied";
    default: return "would-deny";
  }
}

void putPadded(char *out, uint64_t value, int digits) {
  for (int i = digits - 1; i >= 0; i--, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

// 2026-11-23T05:30:01. ; the calendar by days since 0000-03-01, so that leap days end the year.
void putDate(char *out, uint64_t seconds) {
  uint64_t days = seconds / 86400 + 719468, ofDay = seconds % 86400;
  uint64_t era = days / 146097, dayOfEra = days % 146097;
  uint64_t yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  uint64_t dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  uint64_t month = (5 * dayOfYear + 2) / 153, day = dayOfYear - (153 * month + 2) / 5 + 1;
  month = month < 10 ? month + 3 : month - 9;
  memcpy(out, "0000-00-00T00:00:00.", 20);
  putPadded(out, yearOfEra + era * 400 + (month <= 2), 4);
  putPadded(out + 5, month, 2);
  putPadded(out + 8, day, 2);
  putPadded(out + 11, ofDay / 3600, 2);
  putPadded(out + 14, ofDay / 60 % 60, 2);
  putPadded(out + 17, ofDay % 60, 2);
}

void appendTime(Buffer *out, int64_t realtimeNs, LineCache *cache) {
  if (realtimeNs < 0) realtimeNs = 0;
  int64_t second = realtimeNs / 1000000000;
  if (cache->second != second) {
    putDate(cache->date, static_cast<uint64_t>(second));
    cache->second = second;
  }
  char *end = out->reserve(30);
  if (!end) return;
  memcpy(end, cache->date, 20);
  putPadded(end + 20, static_cast<uint64_t>(realtimeNs % 1000000000), 9);
  end[29] = 'Z';
  out->advance(30);
}

class LineWriter {
 public:
  LineWriter(const Event &event, Redactor *redactor, LineCache *cache, Buffer *out)
      : event_(event), redactor_(redactor), cache_(cache), out_(out) {}

  // Everything behind the sequence number. Returns the offset of the chain value.
  size_t write() {
    rootAttributes();
    out_->append(" chain=\"");
    size_t chainAt = out_->size();
    out_->append(kZeroChain);
    out_->append("\">");
    if (event_.phase == Phase::Notice)
      appendXmlEscaped(out_, event_.reason);
    else
      body();
    out_->append("</");
    out_->append(rootName(event_.phase));
    out_->append(">\n");
    return chainAt;
  }

 private:
  void attribute(std::string_view name, std::string_view value) {
    out_->append(' ');
    out_->append(name);
    out_->append("=\"");
    appendXmlEscaped(out_, value);
    out_->append('"');
  }

  void optional(std::string_view name, std::string_view value) {
    if (!value.empty()) attribute(name, value);
  }

  void attribute(std::string_view name, uint64_t value) {
    out_->append(' ');
    out_->append(name);
    out_->append("=\"");
    out_->appendUnsigned(value);
    out_->append('"');
  }

  void element(std::string_view name, std::string_view value) {
    out_->append('<');
    out_->append(name);
    out_->append('>');
    appendXmlEscaped(out_, value);
    out_->append("</");
    out_->append(name);
    out_->append('>');
  }

  void rootAttributes() {
    out_->append("\" time=\"");
    appendTime(out_, event_.realtimeNs, cache_);
    out_->append('"');
    subject();
    if (event_.nested) out_->append(" nested=\"1\"");
    if (event_.phase == Phase::Notice) attribute("kind", event_.notice);
  }

  void subject() {
    const Subject &who = event_.subject;
    const uint32_t numbers[] = {who.pid, who.tid, who.uid, who.auid, who.ses};
    const std::initializer_list<std::string_view> values = {bytesOf(numbers), who.comm, who.exe,
                                                            who.terminal,     who.subj, event_.policy};
    if (cache_->subject.appendIfMadeFrom(values, out_)) return;
    size_t from = out_->size();
    attribute("pid", who.pid);
    attribute("tid", who.tid);
    attribute("uid", who.uid);
    attribute("auid", who.auid);
    attribute("ses", who.ses);
    optional("tty", who.terminal);
    attribute("comm", who.comm);
    attribute("exe", who.exe);
    optional("subj", who.subj);
    optional("policy", event_.policy);
    keep(&cache_->subject, values, from);
  }

  template <typename T, size_t kCount>
  static std::string_view bytesOf(const T (&values)[kCount]) {
    return {reinterpret_cast<const char *>(values), sizeof values};
  }

  void keep(CachedText *cache, std::initializer_list<std::string_view> values, size_t from) {
    if (out_->ok() && out_->size() - from <= kMaxCached) cache->keep(values, out_->view(from));
  }

  void body() {
    element("event", facts(event_.function).name);
    if (event_.phase == Phase::Response) out_->append(event_.success ? "<state>1</state>" : "<state>0</state>");
    what();
    if (event_.args && facts(event_.function).argCount) param();
    if (event_.phase == Phase::Response && event_.forwarded) result();
    error();
    if (event_.phase == Phase::Response && event_.forwarded) duration();
  }

  void what() {
    const Connection &to = event_.connection;
    const Resource &on = event_.resource;
    const uint8_t flags[] = {static_cast<uint8_t>(event_.verdict), to.known, to.readOnlyKnown, to.readOnly,
                             static_cast<uint8_t>(on.kind)};
    const Asserted &said = event_.asserted;
    const std::initializer_list<std::string_view> values = {bytesOf(flags), event_.rule, event_.reason, said.actor,
                                                            said.via,       said.reason, to.driver,     to.uri,
                                                            on.name,        on.uuid,     on.parent};
    if (cache_->what.appendIfMadeFrom(values, out_)) return;
    size_t from = out_->size();
    int secrets = redactor_->secretsMet();
    decision();
    asserted();
    connection();
    resource();
    // A secret has to be met anew each time: an error message may repeat it.
    if (redactor_->secretsMet() == secrets) keep(&cache_->what, values, from);
  }

  void param() {
    const uint64_t call[] = {event_.rid, static_cast<uint64_t>(event_.function)};
    const std::initializer_list<std::string_view> values = {bytesOf(call), event_.resource.name};
    if (event_.phase == Phase::Response && cache_->param.appendIfMadeFrom(values, out_)) return;
    size_t from = out_->size();
    int secrets = redactor_->secretsMet();
    appendParam(event_, redactor_, out_);
    if (event_.phase == Phase::Call && redactor_->secretsMet() == secrets) keep(&cache_->param, values, from);
  }

  void decision() {
    out_->append("<decision effect=\"");
    out_->append(effectName(event_.verdict));
    out_->append('"');
    optional("rule", event_.rule);
    if (event_.reason.empty()) return out_->append("/>");
    out_->append('>');
    appendXmlEscaped(out_, event_.reason);
    out_->append("</decision>");
  }

  void asserted() {
    const Asserted &said = event_.asserted;
    if (!said.any()) return;
    out_->append("<asserted");
    if (!said.actor.empty()) attribute("actor", redactor_->redacted(said.actor, TextKind::Plain));
    if (!said.via.empty()) attribute("via", redactor_->redacted(said.via, TextKind::Plain));
    if (said.reason.empty()) return out_->append("/>");
    out_->append('>');
    appendXmlEscaped(out_, redactor_->redacted(said.reason, TextKind::Plain));
    out_->append("</asserted>");
  }

  void connection() {
    const Connection &to = event_.connection;
    if (!to.known) return;
    out_->append("<connection");
    optional("driver", to.driver);
    if (!to.uri.empty()) attribute("uri", redactor_->redacted(to.uri, TextKind::Plain));
    attribute("readonly", to.readOnlyKnown ? to.readOnly ? "1" : "0" : "unknown");
    out_->append("/>");
  }

  void resource() {
    const Resource &on = event_.resource;
    if (on.kind == ObjectKind::None) return;
    out_->append("<resource");
    attribute("kind", kObjectKindNames[static_cast<int>(on.kind)]);
    optional("name", on.name);
    optional("uuid", on.uuid);
    optional("parent", on.parent);
    out_->append("/>");
  }

  void result() {
    const ArgSlot &value = event_.result;
    switch (facts(event_.function).returns) {
      case ReturnType::Void: return;
      case ReturnType::Int:
      case ReturnType::LongLong: return signedResult(value.i);
      case ReturnType::UInt:
      case ReturnType::ULong:
      case ReturnType::ULongLong: return unsignedResult(value.u);
      case ReturnType::String:
      case ReturnType::ConstString: return textResult(static_cast<const char *>(value.p));
      case ReturnType::Pointer: return objectResult(value.p);
    }
  }

  void signedResult(int64_t value) {
    out_->append("<result>");
    out_->appendSigned(value);
    out_->append("</result>");
  }

  void unsignedResult(uint64_t value) {
    out_->append("<result>");
    out_->appendUnsigned(value);
    out_->append("</result>");
  }

  // Only its length: texts that libvirt returns are long, and some hold secrets.
  void textResult(const char *text) {
    if (!text) return out_->append("<result null=\"1\"/>");
    out_->append("<result");
    attribute("bytes", strlen(text));
    out_->append("/>");
  }

  void objectResult(const void *object) {
    ObjectKind kind = facts(event_.function).returnsObject;
    if (!object) return out_->append("<result null=\"1\"/>");
    if (kind == ObjectKind::None) return out_->append("<result opaque=\"1\"/>");
    out_->append("<result");
    attribute("kind", kObjectKindNames[static_cast<int>(kind)]);
    out_->append("/>");
  }

  void error() {
    if (!event_.error.present) return;
    out_->append("<error code=\"");
    out_->appendSigned(event_.error.code);
    out_->append("\" domain=\"");
    out_->appendSigned(event_.error.domain);
    out_->append("\">");
    appendXmlEscaped(out_, cutUtf8(redactor_->redactedMessage(event_.error.message), kMaxMessage));
    out_->append("</error>");
  }

  void duration() {
    out_->append("<duration>");
    out_->appendUnsigned(event_.durationNs > 0 ? static_cast<uint64_t>(event_.durationNs) : 0);
    out_->append("</duration>");
  }

  const Event &event_;
  Redactor *redactor_;
  LineCache *cache_;
  Buffer *out_;
};

void writeHead(const Event &event, XmlLine *line) {
  char *p = line->headBytes;
  auto put = [&p](std::string_view text) {
    memcpy(p, text.data(), text.size());
    p += text.size();
  };
  put("<");
  put(rootName(event.phase));
  put(" rid=\"");
  for (int shift = 60; shift >= 0; shift -= 4) *p++ = "0123456789abcdef"[event.rid >> shift & 15];
  put("\" seq=\"");
  line->head = {line->headBytes, static_cast<size_t>(p - line->headBytes)};
}

}  // namespace

bool CachedText::appendIfMadeFrom(std::initializer_list<std::string_view> values, Buffer *out) const {
  if (text_.size() == 0) return false;
  std::string_view known = values_.view();
  for (std::string_view value : values) {
    // Each with its length in front, so that no two lists look the same.
    size_t size = value.size();
    if (known.size() < sizeof size + size || memcmp(known.data(), &size, sizeof size) != 0 ||
        known.substr(sizeof size, size) != value)
      return false;
    known.remove_prefix(sizeof size + size);
  }
  out->append(text_.view());
  return true;
}

void CachedText::keep(std::initializer_list<std::string_view> values, std::string_view text) {
  values_.clear();
  text_.clear();
  for (std::string_view value : values) {
    size_t size = value.size();
    values_.append({reinterpret_cast<const char *>(&size), sizeof size});
    values_.append(value);
  }
  text_.append(text);
  if (!values_.ok() || !text_.ok()) text_.clear();
}

bool writeXmlLine(const Event &event, Redactor *redactor, LineCache *cache, Buffer *out, XmlLine *line) {
  out->clear();
  if (!out->reserve(kHeadroom)) return false;
  out->advance(kHeadroom);
  line->headroom = kHeadroom;
  writeHead(event, line);
  line->chainAt = LineWriter(event, redactor, cache, out).write();
  return out->ok();
}

std::string_view placeSequence(Buffer *out, const XmlLine &line, uint64_t sequence) {
  char *p = out->data() + line.headroom;
  do *--p = static_cast<char>('0' + sequence % 10);
  while (sequence /= 10);
  p -= line.head.size();
  memcpy(p, line.head.data(), line.head.size());
  return out->view(static_cast<size_t>(p - out->data()));
}

}  // namespace virtshim::audit
