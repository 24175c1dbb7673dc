#include "audit/chain.h"

#include <cstring>

namespace virtshim::audit {
namespace {

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool readHex(std::string_view text, uint8_t *out) {
  for (size_t i = 0; i < text.size() / 2; i++) {
    int high = hexDigit(text[2 * i]), low = hexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
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

}  // namespace

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

bool followsFrom(const uint8_t previous[kSha256Size], std::string_view line, const LineFacts &facts) {
  const size_t end = facts.chainAt + kChainDigits;
  Sha256 body;
  body.update(line.data() + facts.headSize, facts.chainAt - facts.headSize);
  uint8_t value[kSha256Size];
  chainValue(body, line.substr(end), line.substr(0, facts.headSize), previous, value);
  return memcmp(value, facts.chain, kSha256Size) == 0;
}

}  // namespace virtshim::audit
