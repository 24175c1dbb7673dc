#include "audit/redact.h"

#include "sys/sha256.h"

namespace virtshim::audit {
namespace {

constexpr size_t kShownDigits = 16;
constexpr size_t kMinQuoted = 3;  // shorter secrets would wipe out half of any message

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool wordChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '.';
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool startsWith(std::string_view text, size_t at, std::string_view what) {
  if (text.size() < at || text.size() - at < what.size()) return false;
  for (size_t i = 0; i < what.size(); i++)
    if (lower(text[at + i]) != what[i]) return false;
  return true;
}

bool contains(std::string_view text, std::string_view what) {
  for (size_t i = 0; i + what.size() <= text.size(); i++)
    if (startsWith(text, i, what)) return true;
  return false;
}

bool endsWith(std::string_view text, std::string_view what) {
  return text.size() >= what.size() && startsWith(text, text.size() - what.size(), what);
}

bool equals(std::string_view text, std::string_view what) {
  return text.size() == what.size() && startsWith(text, 0, what);
}

// Names that are secret only in commands; elsewhere they are too common.
bool namesCommandSecret(std::string_view name) {
  for (std::string_view word : {"data", "key", "buf-b64", "input-data", "value"})
    if (equals(name, word)) return true;
  return contains(name, "key") || contains(name, "cred");
}

constexpr uint32_t window(std::string_view four) {
  return static_cast<uint32_t>(four[0]) | static_cast<uint32_t>(four[1]) << 8 | static_cast<uint32_t>(four[2]) << 16 |
         static_cast<uint32_t>(four[3]) << 24;
}

// One pass that lets most texts through untouched: none of these four letters, nothing to look for.
bool worthScanning(std::string_view text, TextKind kind) {
  if (kind == TextKind::Command) return !text.empty();
  uint32_t last = 0;
  bool address = false;
  for (char c : text) {
    if (c == '@' && address) return true;
    last = last >> 8 | static_cast<uint32_t>(static_cast<unsigned char>(lower(c))) << 24;
    switch (last) {
      case window("pass"):
      case window("secr"):
      case window("toke"):
      case window("cook"):
      case window("cred"):
      case window("apik"):
      case window("doct"):
      case window(":arg"):
      case window("<arg"):
      case window(":env"):
      case window("<env"): return true;
      default: break;
    }
    if ((last & 0xffffff00) == (window("\x01://") & 0xffffff00)) address = true;
    if ((last & 0xffffff00) == (window("\x01psk") & 0xffffff00)) return true;
  }
  return false;
}

// Walks one text and copies it, with its secrets replaced.
class Scanner {
 public:
  Scanner(std::string_view in, TextKind kind, Buffer *out, Redactor *redactor)
      : in_(in), kind_(kind), out_(out), redactor_(redactor) {}

  void run() {
    while (at_ < in_.size()) {
      if (kind_ == TextKind::Xml && in_[at_] == '<')
        markup();
      else if (wordChar(in_[at_]))
        word();
      else if (startsWith(in_, at_, "://"))
        authority();
      else
        copyTo(at_ + 1);
    }
  }

 private:
  char peek(size_t at) const { return at < in_.size() ? in_[at] : '\0'; }

  void copyTo(size_t end) {
    if (end > in_.size()) end = in_.size();
    if (peek(at_) == '>') argument_ = false;
    out_->append(in_.substr(at_, end - at_));
    at_ = end;
  }

  void hideTo(size_t end) {
    if (end > in_.size()) end = in_.size();
    if (end == at_) return;
    redactor_->appendDigest(out_, in_.substr(at_, end - at_));
    at_ = end;
  }

  size_t skipBlanks(size_t at) const {
    while (blank(peek(at))) at++;
    return at;
  }

  size_t wordEnd(size_t at) const {
    while (at < in_.size() && wordChar(in_[at])) at++;
    return at;
  }

  // A quote as itself or as XML spells it; returns its length or 0.
  size_t quoteAt(size_t at) const {
    if (peek(at) == '"' || peek(at) == '\'') return 1;
    for (std::string_view quote : {"&quot;", "&apos;", "&#34;", "&#39;", "&#x22;", "&#x27;"})
      if (startsWith(in_, at, quote)) return quote.size();
    if (peek(at) == '\\' && (peek(at + 1) == '"' || peek(at + 1) == '\'')) return 2;
    return 0;
  }

  void word() {
    size_t begin = at_, end = wordEnd(at_);
    std::string_view name = in_.substr(begin, end - begin);
    bool escapedName = kind_ == TextKind::Command && begin > 0 && in_[begin - 1] == '\\';
    copyTo(end);
    if (kind_ == TextKind::Command && equals(name, "set_password")) return hidePositional(1);
    if (argument_ && equals(name, "value")) return hideArgumentValue();
    bool secret = namesSecret(name) || escapedName || (kind_ == TextKind::Command && namesCommandSecret(name));
    if (!secret) return;
    if (hideAssigned() || kind_ != TextKind::Command) return;
    if (blank(peek(at_))) return hidePositional(0);
    if (namesSecret(name)) hideNextItem();
  }

  // ["--password", "SECRET"]. What a colon follows is a name of its own.
  void hideNextItem() {
    size_t quote = quoteAt(at_), at = skipBlanks(at_ + quote);
    if (!quote || peek(at) != ',') return;
    at = skipBlanks(at + 1);
    quote = quoteAt(at);
    size_t end = quote ? quotedEnd(at, quote, at + quote) : at;
    if (!quote || peek(skipBlanks(end + quote)) == ':') return;
    copyTo(at + quote);
    hideTo(end);
  }

  // name = value, name: value, "name": "value" and the like. Returns false where no value follows.
  bool hideAssigned() {
    size_t at = at_ + quoteAt(at_);
    at = skipBlanks(at);
    if (peek(at) != '=' && peek(at) != ':') return false;
    if (startsWith(in_, at, "://")) return false;
    at = skipBlanks(at + 1);
    size_t quote = quoteAt(at);
    copyTo(at + quote);
    hideTo(quote ? quotedEnd(at, quote, at_) : bareEnd());
    return true;
  }

  // Where a quoted value ends that begins at `at`; a backslash keeps the next character from ending it.
  size_t quotedEnd(size_t quoteAt, size_t quoteSize, size_t at) const {
    std::string_view quote = in_.substr(quoteAt, quoteSize);
    while (at < in_.size() && !startsWith(in_, at, quote)) at += escapes(at, quote) ? 2 : 1;
    return at < in_.size() ? at : in_.size();
  }

  // XML knows no such backslash: there a quote that looks like the end of an attribute is one.
  bool escapes(size_t at, std::string_view quote) const {
    if (in_[at] != '\\') return false;
    char next = peek(at + 1 + quote.size());
    return kind_ != TextKind::Xml || !startsWith(in_, at + 1, quote) || !(blank(next) || next == '/' || next == '>');
  }

  size_t bareEnd() const {
    if (peek(at_) == '[' || peek(at_) == '{') return bracketEnd();
    size_t at = at_;
    while (at < in_.size()) {
      if (in_[at] == ',' && peek(at + 1) == ',') {  // how qemu spells a comma inside a value
        at += 2;
        continue;
      }
      if (blank(in_[at]) || strchr(",&;<>\"')}]", in_[at])) break;
      at++;
    }
    return at;
  }

  size_t bracketEnd() const {
    int depth = 0;
    for (size_t at = at_; at < in_.size(); at++) {
      if (in_[at] == '[' || in_[at] == '{') depth++;
      if ((in_[at] == ']' || in_[at] == '}') && --depth == 0) return at + 1;
    }
    return in_.size();
  }

  // Monitor commands for people: `set_password vnc SECRET`, `change vnc password SECRET`.
  void hidePositional(int skipWords) {
    for (; skipWords > 0; skipWords--) {
      copyTo(skipBlanks(at_));
      copyTo(wordEnd(at_));
    }
    copyTo(skipBlanks(at_));
    size_t end = at_;
    while (end < in_.size() && !strchr("\"\n\r", in_[end])) end++;
    hideTo(end);
  }

  // <qemu:arg value=...> and <qemu:env>: a command line inside XML. All of it goes where it could hold a secret.
  void hideArgumentValue() {
    size_t at = skipBlanks(at_);
    if (peek(at) != '=') return;
    at = skipBlanks(at + 1);
    if (quoteAt(at) != 1) return;
    copyTo(at + 1);
    size_t end = in_.find(in_[at], at_);
    if (end == std::string_view::npos) end = in_.size();
    std::string_view value = in_.substr(at_, end - at_);
    bool announced = secretNext_;  // by an option that stands alone: -password
    bool secret = mayHoldSecret(value);
    secretNext_ = secret && value[0] == '-' && value.find_first_of("=,") == std::string_view::npos;
    if (secretEnvironment_ || secret || (announced && !value.empty() && value[0] != '-')) return hideTo(end);
    copyTo(end);
  }

  static bool mayHoldSecret(std::string_view value) {
    if (contains(value, "&#")) return true;  // spelled so that it cannot be read here
    for (std::string_view sign : {"pass", "secret", "data", "token", "key", "cred", "psk", "cookie"})
      if (contains(value, sign)) return true;
    return false;
  }

  // user:password@host, where the password may hold what ought to be percent-encoded in it.
  void authority() {
    bool whole = isScheme(in_.substr(0, at_));
    copyTo(at_ + 3);
    if (at_ > uriEnd_) uriEnd_ = whole ? in_.size() : uriEndFrom(at_);
    if (sign_.next(in_, at_, "@") >= uriEnd_) return;
    std::string_view uri = in_.substr(at_, uriEnd_ - at_);
    size_t stop = uri.find_first_of("/?#");
    size_t literalEnd = peek(at_) == '[' ? literal_.next(in_, at_, "]") - at_ : 0;
    size_t colon = uri.find(':', literalEnd);
    if (colon == std::string_view::npos) return;
    size_t at = uri.substr(0, stop).rfind('@');
    if (at == std::string_view::npos && !isPort(uri, colon + 1, stop)) at = uri.rfind('@');
    if (at == std::string_view::npos || at < colon) return;
    size_t end = at_ + at;
    copyTo(at_ + colon + 1);
    hideTo(end);
  }

  size_t uriEndFrom(size_t at) const {
    while (at < in_.size() && !(blank(in_[at]) || strchr("\"'<>", in_[at]))) at++;
    return at;
  }

  static bool isScheme(std::string_view text) {
    for (char c : text)
      if (!wordChar(c) && c != '+') return false;
    return true;
  }

  static bool isPort(std::string_view uri, size_t from, size_t to) {
    for (size_t at = from; at < to && at < uri.size(); at++)
      if (uri[at] < '0' || uri[at] > '9') return false;
    return true;
  }

  void markup() {
    if (startsWith(in_, at_, "<!doctype")) return doctype();
    size_t nameAt = at_ + 1, end = nameAt;
    while (end < in_.size() && (wordChar(in_[end]) || in_[end] == ':')) end++;
    std::string_view name = in_.substr(nameAt, end - nameAt);
    size_t colon = name.rfind(':');
    std::string_view local = colon == std::string_view::npos ? name : name.substr(colon + 1);
    argument_ = equals(local, "arg") || equals(local, "env");
    secretEnvironment_ = equals(local, "env") && environmentNamesSecret(end);
    copyTo(end > at_ ? end : at_ + 1);
    if (!name.empty() && namesSecret(local)) hideContent(name, equals(local, "secret") || equals(local, "cookies"));
  }

  // A tag that does not end soon counts as one that does.
  bool environmentNamesSecret(size_t at) const {
    constexpr size_t kMaxTag = 512;
    std::string_view tag = in_.substr(at, kMaxTag);
    char quote = 0;
    for (size_t i = 0; i < tag.size(); i++) {
      if (quote ? tag[i] == quote : tag[i] == '"' || tag[i] == '\'') quote = quote ? 0 : tag[i];
      if (!quote && tag[i] == '>') return mayHoldSecret(tag.substr(0, i));
    }
    return true;
  }

  // <cookie name='x'>SECRET</cookie>. Of the elements so named, <secret> and <cookies> may have children, which are
  // walked as usual.
  void hideContent(std::string_view name, bool mayHaveChildren) {
    size_t open = bracket_.next(in_, at_, ">");
    if (open == in_.size() || in_[open - 1] == '/') return;
    size_t first = skipBlanks(open + 1);
    bool children = peek(first) == '<' && !startsWith(in_, first, "<![cdata[");
    if (children && mayHaveChildren) return;
    size_t end = in_.find("</", open + 1);
    while (end != std::string_view::npos && in_.substr(end + 2, name.size()) != name) end = in_.find("</", end + 2);
    if (end == std::string_view::npos) end = in_.size();
    if (first >= end) return;
    while (at_ <= open) {
      if (wordChar(in_[at_]))
        word();
      else
        copyTo(at_ + 1);
    }
    if (at_ < end) hideTo(end);
  }

  // Entities declared inside could carry anything to anywhere.
  void doctype() {
    size_t open = subset_.next(in_, at_, "["), close = bracket_.next(in_, at_, ">");
    bool literal = quote_.next(in_, at_, "\"'") < close;
    if (open == in_.size() || (close < open && !literal)) return copyTo(at_ + 1);
    copyTo(open + 1);
    size_t end = in_.rfind("]>");
    hideTo(end == std::string_view::npos || end < at_ ? in_.size() : end);
  }

  // Where the next of some characters stands, or the end. Remembered while the walk has not come there: what is looked
  // for again and again from further on must not cost the whole text each time.
  class NextOf {
   public:
    size_t next(std::string_view in, size_t from, const char *which) {
      if (known_ && from <= at_) return at_;
      size_t found = in.find_first_of(which, from);
      at_ = found == std::string_view::npos ? in.size() : found;
      known_ = true;
      return at_;
    }

   private:
    size_t at_ = 0;
    bool known_ = false;
  };

  std::string_view in_;
  TextKind kind_;
  Buffer *out_;
  Redactor *redactor_;
  size_t at_ = 0;
  bool argument_ = false;
  bool secretEnvironment_ = false;
  bool secretNext_ = false;
  size_t uriEnd_ = 0;
  NextOf sign_, literal_, bracket_, subset_, quote_;
};

bool looksLikeXml(std::string_view text) {
  size_t at = startsWith(text, 0, "\xef\xbb\xbf") ? 3 : 0;
  while (at < text.size() && blank(text[at])) at++;
  return at < text.size() && text[at] == '<';
}

// Whether the bytes of an XML document mean what they look like: ASCII or a superset of it.
bool readableEncoding(std::string_view xml) {
  size_t at = startsWith(xml, 0, "\xef\xbb\xbf") ? 3 : 0;
  while (at < xml.size() && blank(xml[at])) at++;
  if (at == xml.size()) return true;
  if (xml[at] != '<') return false;
  if (!startsWith(xml, at, "<?xml")) return true;
  size_t end = xml.find("?>", at);
  std::string_view declaration = xml.substr(at, end == std::string_view::npos ? end : end - at);
  size_t name = declaration.find("encoding");
  if (name == std::string_view::npos) return true;
  size_t open = declaration.find_first_of("\"'", name);
  if (open == std::string_view::npos) return false;
  std::string_view encoding = declaration.substr(open + 1);
  encoding = encoding.substr(0, encoding.find(declaration[open]));
  for (std::string_view known : {"utf-8", "us-ascii", "ascii", "iso-8859-1", "latin1"})
    if (equals(encoding, known)) return true;
  return false;
}

}  // namespace

bool namesSecret(std::string_view name) {
  if (name.size() < 3) return false;
  for (std::string_view part :
       {"passw", "passphrase", "passcode", "secret", "cookie", "credential", "apikey", "api_key", "api-key"})
    if (contains(name, part)) return true;
  for (std::string_view end : {"pass", "token", "psk"})
    if (endsWith(name, end)) return true;
  return false;
}

void Redactor::remember(std::string_view secret) {
  met_++;
  if (secret.size() >= kMinQuoted && count_ < kMaxRemembered) remembered_[count_++] = {secret.data(), secret.size()};
}

void Redactor::appendDigest(Buffer *out, std::string_view secret) {
  remember(secret);
  if (!key_.known) return out->append("hmac:unavailable");
  uint8_t digest[kSha256Size];
  hmacSha256(key_.bytes, sizeof key_.bytes, secret.data(), secret.size(), digest);
  char hex[kShownDigits];
  hexLower(digest, kShownDigits / 2, hex);
  out->append("hmac:");
  out->append(std::string_view(hex, kShownDigits));
}

std::string_view Redactor::redacted(std::string_view text, TextKind kind) {
  if (kind == TextKind::Plain && looksLikeXml(text)) kind = TextKind::Xml;
  if (kind == TextKind::Xml && !readableEncoding(text)) {
    scratch_->clear();
    appendDigest(scratch_, text);
    return scratch_->view();
  }
  if (!worthScanning(text, kind)) return text;
  scratch_->clear();
  Scanner(text, kind, scratch_, this).run();
  // A text that does not fit into memory is left out rather than shown.
  return scratch_->ok() ? scratch_->view() : std::string_view("hmac:unavailable");
}

std::string_view Redactor::withoutRemembered(std::string_view message) {
  more_->clear();
  for (size_t at = 0; at < message.size();) {
    size_t length = 0;
    for (int i = 0; i < count_; i++)
      if (remembered_[i].size > length && message.substr(at, remembered_[i].size) == remembered_[i].view())
        length = remembered_[i].size;
    if (length) {
      appendDigest(more_, message.substr(at, length));
      at += length;
    } else {
      more_->append(message[at++]);
    }
  }
  return more_->view();
}

std::string_view Redactor::redactedMessage(std::string_view message) {
  if (count_) {
    message = withoutRemembered(message);
    // The XML parser quotes a piece of the text, cut anywhere, on the lines after the first.
    message = message.substr(0, message.find('\n'));
  }
  return redacted(message, TextKind::Plain);
}

}  // namespace virtshim::audit
