#include "audit/xml.h"

#include <endian.h>

#include <cstring>

#include "audit/arguments.h"
#include "audit/encode.h"

namespace virtshim::audit {
namespace {

constexpr size_t kHeadroom = 128;  // root name, rid, a sequence number of 20 digits, time; and a line end in front
constexpr std::string_view kZeroChain = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr size_t kLeftToHash = 128;  // is hashed together with the head
constexpr size_t kMaxMessage = 16 * 1024;
constexpr size_t kMaxKept = 16 * 1024;

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

constexpr auto makePairs() {
  struct {
    char digits[200];
  } pairs{};
  for (int i = 0; i < 100; i++) {
    pairs.digits[2 * i] = static_cast<char>('0' + i / 10);
    pairs.digits[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}

// Nine digits, two at a time.
void putNanoseconds(char *out, uint32_t value) {
  static constexpr auto kPairs = makePairs();
  for (int i = 7; i > 0; i -= 2, value /= 100) memcpy(out + i, kPairs.digits + 2 * (value % 100), 2);
  out[0] = static_cast<char>('0' + value);
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

// `" time="2026-11-23T05:30:01.123456789Z"`, of kTimeSize bytes.
constexpr size_t kTimeSize = 39;

void putTime(char *out, int64_t realtimeNs, LineCache *cache) {
  if (realtimeNs < 0) realtimeNs = 0;
  int64_t second = realtimeNs / 1000000000;
  if (cache->second != second) {
    putDate(cache->date, static_cast<uint64_t>(second));
    cache->second = second;
  }
  memcpy(out, "\" time=\"", 8);
  memcpy(out + 8, cache->date, 20);
  putNanoseconds(out + 28, static_cast<uint32_t>(realtimeNs % 1000000000));
  memcpy(out + 37, "Z\"", 2);
}

class LineWriter {
 public:
  LineWriter(const Event &event, Redactor *redactor, LineCache *cache, Buffer *out, XmlLine *line)
      : event_(event), redactor_(redactor), cache_(cache), out_(out), hash_(line->body) {}

  void writeBody(XmlLine *line) {
    if (continuesLine())
      continueCall(line);
    else
      begin(line);
    if (event_.phase == Phase::Response) outcome();
    out_->append("</");
    out_->append(rootName(event_.phase));
    out_->append('>');
    if (out_->size() - hashed_ > kLeftToHash) hashOn();
    line->hashed = hashed_;
    out_->append('\n');
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

  template <typename T, size_t kCount>
  static std::string_view bytesOf(const T (&values)[kCount]) {
    return {reinterpret_cast<const char *>(values), sizeof values};
  }

  using Values = std::initializer_list<std::string_view>;

  // Takes the hash on to where the line is now.
  void hashOn() {
    if (out_->ok()) hash_.update(out_->data() + hashed_, out_->size() - hashed_);
    hashed_ = out_->size();
  }

  // Appends the piece that was made from these values and returns its version; 0 where there is none.
  template <size_t kCount>
  uint64_t append(const KeptPiece (&pieces)[kCount], Values values) {
    for (const KeptPiece &piece : pieces) {
      if (!piece.madeFrom(values)) continue;
      out_->append(piece.text());
      hash_ = piece.hash();
      hashed_ = out_->size();
      return piece.version();
    }
    return 0;
  }

  // Keeps what was written since `from`. Returns its version, or 0.
  uint64_t keep(KeptPiece *piece, Values values, size_t from) {
    if (!out_->ok() || out_->size() - from > kMaxKept) return 0;
    hashOn();
    piece->keep(values, out_->view(from), hash_, ++cache_->versions);
    return piece->version();
  }

  // Up to the end of the root's start tag.
  uint64_t tag() {
    const Subject &who = event_.subject;
    const uint32_t numbers[] = {who.pid, who.tid, who.uid, who.auid, who.ses, event_.nested};
    const Values values = {bytesOf(numbers), who.comm, who.exe, who.terminal, who.subj, event_.policy, event_.notice};
    if (uint64_t version = append(cache_->tag, values)) return version;
    const size_t from = out_->size();
    subject();
    if (event_.nested) out_->append(" nested=\"1\"");
    optional("kind", event_.notice);
    out_->append(" chain=\"");
    hashOn();
    out_->append(kZeroChain);
    hashed_ = out_->size();
    out_->append("\">");
    return keep(&cache_->tag[0], values, from);
  }

  void subject() {
    const Subject &who = event_.subject;
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
  }

  bool continuesLine() const {
    return event_.continues && event_.rid == cache_->call.rid && out_->size() > cache_->call.end;
  }

  // What stands before the outcome.
  void begin(XmlLine *line) {
    out_->cutTo(kHeadroom);
    cache_->call.rid = 0;
    const uint64_t tagVersion = tag();
    line->chainAt = out_->size() - std::string_view("\">").size() - kZeroChain.size();
    if (event_.phase == Phase::Notice) return appendXmlEscaped(out_, event_.reason);
    what(tagVersion);
    if (hasParam() && !hasResourceAlone()) appendParam(event_, redactor_, out_);
    if (event_.phase == Phase::Call) keepCall(line->chainAt);
  }

  bool hasParam() const { return event_.args && facts(event_.function).argCount > 0; }

  // Then <param> says nothing that <resource> does not.
  bool hasResourceAlone() const {
    return facts(event_.function).argCount == 1 && facts(event_.function).resourceArg == 0;
  }

  void outcome() {
    out_->append(event_.success ? "<state>1</state>" : "<state>0</state>");
    if (event_.forwarded) result();
    error();
    if (event_.forwarded) duration();
  }

  void what(uint64_t tagVersion) {
    const Connection &to = event_.connection;
    const Resource &on = event_.resource;
    const uint64_t numbers[] = {tagVersion,
                                static_cast<uint64_t>(event_.function),
                                static_cast<uint64_t>(event_.verdict),
                                static_cast<uint64_t>(on.kind),
                                hasParam() ? uint64_t{1} + (event_.args[0].p != nullptr) : 0,
                                uint64_t{to.known} | uint64_t{to.readOnlyKnown} << 1 | uint64_t{to.readOnly} << 2};
    const Asserted &said = event_.asserted;
    const Values values = {bytesOf(numbers), on.name,       on.uuid,    on.parent, to.uri,     to.driver,
                           event_.rule,      event_.reason, said.actor, said.via,  said.reason};
    if (append(cache_->what, values)) return;
    const size_t from = out_->size();
    const int secrets = redactor_->secretsMet();
    element("event", facts(event_.function).name);
    decision();
    asserted();
    connection();
    resource();
    if (hasParam() && hasResourceAlone()) appendParam(event_, redactor_, out_);
    // A secret has to be met anew each time: an error message may repeat it.
    if (!tagVersion || redactor_->secretsMet() != secrets) return;
    keep(&cache_->what[cache_->nextWhat++ % kKeptWhats], values, from);
  }

  void keepCall(size_t chainAt) {
    LastCall *call = &cache_->call;
    // A secret has to be met anew each time: an error message may repeat it.
    if (!out_->ok() || redactor_->secretsMet() != 0) return;
    if (out_->size() - hashed_ > kLeftToHash) hashOn();
    call->rid = event_.rid;
    call->chainAt = chainAt;
    call->end = out_->size();
    call->hash = hash_;
    call->hashed = hashed_;
  }

  void continueCall(XmlLine *line) {
    out_->cutTo(cache_->call.end);
    line->chainAt = cache_->call.chainAt;
    hash_ = cache_->call.hash;
    hashed_ = cache_->call.hashed;
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
  Sha256 &hash_;
  size_t hashed_ = kHeadroom;  // up to where hash_ goes
};

void writeStart(const Event &event, XmlLine *line) {
  char *p = line->startBytes;
  auto put = [&p](std::string_view text) {
    memcpy(p, text.data(), text.size());
    p += text.size();
  };
  put("<");
  put(rootName(event.phase));
  put(" rid=\"");
  const uint64_t bigEndian = htobe64(event.rid);
  hexLower(reinterpret_cast<const uint8_t *>(&bigEndian), sizeof bigEndian, p);
  p += 2 * sizeof bigEndian;
  put("\" seq=\"");
  line->start = {line->startBytes, static_cast<size_t>(p - line->startBytes)};
}

}  // namespace

bool KeptPiece::madeFrom(std::initializer_list<std::string_view> values) const {
  const char *known = bytes_.view().data();
  size_t left = valuesSize_;
  for (std::string_view value : values) {
    // Each with its length in front, so that no two lists look the same.
    size_t size = value.size();
    if (left < sizeof size + size || memcmp(known, &size, sizeof size) != 0) return false;
    known += sizeof size;
    if (size && memcmp(known, value.data(), size) != 0) return false;
    known += size;
    left -= sizeof size + size;
  }
  return valuesSize_ != 0;
}

void KeptPiece::keep(std::initializer_list<std::string_view> values, std::string_view text, const Sha256 &hash,
                     uint64_t version) {
  bytes_.clear();
  for (std::string_view value : values) {
    size_t size = value.size();
    bytes_.append({reinterpret_cast<const char *>(&size), sizeof size});
    bytes_.append(value);
  }
  const size_t size = bytes_.size();
  bytes_.append(text);
  valuesSize_ = bytes_.ok() ? size : 0;
  version_ = bytes_.ok() ? version : 0;
  hash_ = hash;
}

bool writeXmlLine(const Event &event, Redactor *redactor, LineCache *cache, Buffer *out, XmlLine *line) {
  if (!out->ok() || out->size() < kHeadroom) {
    out->clear();
    if (!out->reserve(kHeadroom)) return false;
    out->advance(kHeadroom);
  }
  line->bodyAt = kHeadroom;
  line->sequenceEnd = kHeadroom - kTimeSize;
  putTime(out->data() + line->sequenceEnd, event.realtimeNs, cache);
  writeStart(event, line);
  LineWriter(event, redactor, cache, out, line).writeBody(line);
  return out->ok();
}

std::string_view placeSequence(Buffer *out, const XmlLine &line, uint64_t sequence) {
  char *p = out->data() + line.sequenceEnd;
  do *--p = static_cast<char>('0' + sequence % 10);
  while (sequence /= 10);
  p -= line.start.size();
  memcpy(p, line.start.data(), line.start.size());
  return out->view(static_cast<size_t>(p - out->data()));
}

}  // namespace virtshim::audit
