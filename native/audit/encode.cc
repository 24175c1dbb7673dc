#include "audit/encode.h"

#include <array>

namespace virtshim::audit {
namespace {

constexpr char kUpper[] = "0123456789ABCDEF";

enum Class : uint8_t { Plain, Special, High };

constexpr std::array<uint8_t, 256> makeXmlClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 256; c++) classes[c] = c >= 0x80 ? High : c < 0x20 || c == 0x7f ? Special : Plain;
  for (char c : {'&', '<', '>', '"', '\\'}) classes[static_cast<unsigned char>(c)] = Special;
  return classes;
}

constexpr auto kXmlClass = makeXmlClasses();

constexpr bool alphanumeric(int c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

constexpr std::array<bool, 256> makeSet(std::string_view extra) {
  std::array<bool, 256> set{};
  for (int c = 0; c < 128; c++) set[c] = alphanumeric(c);
  for (char c : extra) set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr auto kAuditPlain = makeSet("._+@:/,-");
constexpr auto kPercentPlain = makeSet(".-_~+@:/,?[]");

bool continuation(unsigned char c) { return (c & 0xc0) == 0x80; }

uint32_t decode(const unsigned char *p, int length) {
  uint32_t point = p[0] & (0xff >> (length + 1));
  for (int i = 1; i < length; i++) point = point << 6 | (p[i] & 0x3f);
  return point;
}

// Length of the well-formed UTF-8 sequence at p (2 to 4), or 0 (RFC 3629: no overlong forms, no surrogates).
int sequenceLength(const unsigned char *p, size_t left) {
  int length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
  if (p[0] < 0xc2 || p[0] > 0xf4 || left < static_cast<size_t>(length)) return 0;
  for (int i = 1; i < length; i++)
    if (!continuation(p[i])) return 0;
  uint32_t point = decode(p, length);
  if (length == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return 0;
  if (length == 4 && (point < 0x10000 || point > 0x10ffff)) return 0;
  return length;
}

bool misleading(uint32_t point) {
  if (point < 0xa0) return true;                                              // C1
  if (point == 0x61c || point == 0x200e || point == 0x200f) return true;      // direction marks
  if (point >= 0x2028 && point <= 0x202e) return true;                        // separators, embeddings, overrides
  if (point >= 0x2066 && point <= 0x2069) return true;                        // isolates
  return (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;  // noncharacters
}

void appendByteEscape(Buffer *out, unsigned char c) {
  char *end = out->reserve(4);
  if (!end) return;
  end[0] = '\\';
  end[1] = 'x';
  end[2] = kUpper[c >> 4];
  end[3] = kUpper[c & 15];
  out->advance(4);
}

void appendSpecial(Buffer *out, unsigned char c) {
  switch (c) {
    case '&': return out->append("&amp;");
    case '<': return out->append("&lt;");
    case '>': return out->append("&gt;");
    case '"': return out->append("&quot;");
    case '\\': return out->append("\\\\");
    default: return appendByteEscape(out, c);
  }
}

// Handles one byte or sequence at p that starts with a byte above 0x7f; returns how many bytes it took.
size_t appendHigh(Buffer *out, const unsigned char *p, size_t left) {
  int length = sequenceLength(p, left);
  if (length == 0) {
    appendByteEscape(out, *p);
    return 1;
  }
  if (misleading(decode(p, length)))
    for (int i = 0; i < length; i++) appendByteEscape(out, p[i]);
  else
    out->append(std::string_view(reinterpret_cast<const char *>(p), length));
  return length;
}

}  // namespace

void appendXmlEscaped(Buffer *out, std::string_view value) {
  const unsigned char *p = reinterpret_cast<const unsigned char *>(value.data());
  size_t at = 0, size = value.size();
  while (at < size) {
    size_t run = at;
    while (run < size && kXmlClass[p[run]] == Plain) run++;
    out->append(value.substr(at, run - at));
    at = run;
    if (at == size) return;
    if (kXmlClass[p[at]] == Special)
      appendSpecial(out, p[at++]);
    else
      at += appendHigh(out, p + at, size - at);
  }
}

void appendAuditField(Buffer *out, std::string_view name, std::string_view value) {
  out->append(' ');
  out->append(name);
  out->append('=');
  if (value.empty()) return out->append("\"?\"");
  bool plain = true;
  for (unsigned char c : value) plain = plain && kAuditPlain[c];
  if (plain) {
    out->append('"');
    out->append(value);
    return out->append('"');
  }
  for (unsigned char c : value) {
    out->append(kUpper[c >> 4]);
    out->append(kUpper[c & 15]);
  }
}

void appendPercentEncoded(Buffer *out, std::string_view value) {
  for (unsigned char c : value) {
    if (kPercentPlain[c]) {
      out->append(static_cast<char>(c));
      continue;
    }
    out->append('%');
    out->append(kUpper[c >> 4]);
    out->append(kUpper[c & 15]);
  }
}

std::string_view cutUtf8(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  for (int back = 0; back < 3 && end > 0 && continuation(static_cast<unsigned char>(text[end])); back++) end--;
  return text.substr(0, end);
}

}  // namespace virtshim::audit
