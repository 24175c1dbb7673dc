#include "audit/chain.h"

#include <cstring>

namespace virtshim::audit {
namespace {

// Values of the lower-case hex digits; 0x80 for all other characters, so that one of them shows in a sum of bits.
struct HexDigits {
  constexpr HexDigits() : value() {
    for (int i = 0; i < 256; i++) value[i] = 0x80;
    for (int i = 0; i < 10; i++) value['0' + i] = static_cast<uint8_t>(i);
    for (int i = 0; i < 6; i++) value['a' + i] = static_cast<uint8_t>(10 + i);
  }
  uint8_t operator[](char c) const { return value[static_cast<uint8_t>(c)]; }
  uint8_t value[256];
};
constexpr HexDigits kHex;

bool readHex(std::string_view text, uint8_t *out) {
  uint8_t seen = 0;
  for (size_t i = 0; i < text.size() / 2; i++) {
    const uint8_t high = kHex[text[2 * i]], low = kHex[text[2 * i + 1]];
    seen |= high | low;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return !(seen & 0x80);
}

bool readDecimal(std::string_view text, uint64_t *out) {
  size_t at = 0;
  uint64_t value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; at++) {
    if (value > (UINT64_MAX - 9) / 10) return false;
    value = value * 10 + static_cast<uint64_t>(text[at] - '0');
  }
  *out = value;
  return at > 0 && at < text.size() && text[at] == '"';
}

bool take(std::string_view *text, std::string_view what) {
  if (text->substr(0, what.size()) != what) return false;
  text->remove_prefix(what.size());
  return true;
}

// Digits and the quote behind them.
bool takeNumber(std::string_view *text, uint64_t *out) {
  constexpr size_t kMaxDigits = 16;  // what a number in JavaScript holds exactly
  if (!readDecimal(*text, out)) return false;
  const size_t digits = text->find('"');
  text->remove_prefix(digits + 1);
  return digits <= kMaxDigits;
}

bool takeKind(std::string_view *text, RecordKind *out) {
  if (take(text, "<methodresponse"))
    *out = RecordKind::Response;
  else if (take(text, "<methodcall"))
    *out = RecordKind::Call;
  else if (take(text, "<notice"))
    *out = RecordKind::Notice;
  else
    return false;
  return true;
}

}  // namespace

bool readRecordId(std::string_view digits, uint64_t *out) {
  if (digits.size() < 16) return false;
  uint64_t value = 0;
  uint8_t seen = 0;
  for (char c : digits.substr(0, 16)) {
    seen |= kHex[c];
    value = value << 4 | kHex[c];
  }
  *out = value;
  return !(seen & 0x80);
}

void chainValue(const Sha256 &body, std::string_view rest, std::string_view head, const uint8_t previous[kSha256Size],
                uint8_t out[kSha256Size]) {
  Sha256 hash = body;
  hash.update(rest.data(), rest.size());
  hash.update(head.data(), head.size());
  hash.update(previous, kSha256Size);
  hash.final(out);
}

bool readLine(std::string_view line, LineFacts *out) {
  // Escaping keeps '>' out of attribute values, so the first one ends the root tag.
  size_t end = line.find('>');
  constexpr std::string_view kSequence = " seq=\"", kBody = " pid=\"", kChain = " chain=\"";
  if (line.empty() || line[0] != '<' || end == std::string_view::npos) return false;
  std::string_view tag = line.substr(0, end);
  size_t sequence = tag.find(kSequence);
  if (sequence == std::string_view::npos || !readDecimal(tag.substr(sequence + kSequence.size()), &out->sequence))
    return false;
  out->headSize = tag.find(kBody);
  if (out->headSize == std::string_view::npos) return false;
  if (tag.size() < out->headSize + kChain.size() + kChainDigits + 1) return false;
  out->chainAt = tag.size() - 1 - kChainDigits;
  if (tag.back() != '"' || tag.substr(out->chainAt - kChain.size(), kChain.size()) != kChain) return false;
  return readHex(tag.substr(out->chainAt, kChainDigits), out->chain);
}

bool readRoot(std::string_view line, RootFacts *out) {
  std::string_view rest = line;
  uint64_t sequence;
  if (!takeKind(&rest, &out->kind) || !take(&rest, " rid=\"") || !readRecordId(rest, &out->rid)) return false;
  rest.remove_prefix(16);
  if (!take(&rest, "\" seq=\"") || !takeNumber(&rest, &sequence) || !take(&rest, " time=\"")) return false;
  const size_t timeEnd = rest.find('"');
  if (timeEnd == std::string_view::npos) return false;
  rest.remove_prefix(timeEnd + 1);
  const size_t headSize = line.size() - rest.size();
  if (!take(&rest, " pid=\"") || !takeNumber(&rest, &out->pid)) return false;
  return readLine(line, &out->line) && out->line.headSize == headSize && out->line.sequence == sequence;
}

bool followsFrom(const uint8_t previous[kSha256Size], std::string_view line, const LineFacts &facts) {
  const size_t end = facts.chainAt + kChainDigits;
  Sha256 body;
  body.update(line.data() + facts.headSize, facts.chainAt - facts.headSize);
  uint8_t value[kSha256Size];
  chainValue(body, line.substr(end), line.substr(0, facts.headSize), previous, value);
  return memcmp(value, facts.chain, kSha256Size) == 0;
}

}  // namespace virtshim::audit
