#include "xml/scale.h"

#include <strings.h>

namespace virtshim::xml {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

int digitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

bool parseDigits(std::string_view digits, unsigned base, uint64_t *out) {
  *out = 0;
  for (char c : digits) {
    const unsigned digit = static_cast<unsigned>(digitValue(c));
    if (digit >= base || __builtin_mul_overflow(*out, base, out) || __builtin_add_overflow(*out, digit, out))
      return false;
  }
  return !digits.empty();
}

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// 1000 for "KB", 1024 for "KiB" and "k", by what stands behind the letter.
unsigned baseOf(std::string_view suffix) {
  if (suffix.empty() || equalsIgnoringCase(suffix, "ib")) return 1024;
  return equalsIgnoringCase(suffix, "b") ? 1000 : 0;
}

bool scaleOf(std::string_view unit, uint64_t defaultScale, uint64_t *scale) {
  *scale = defaultScale;
  if (unit.empty()) return true;
  *scale = 1;
  for (std::string_view bytes : {"b", "byte", "bytes"}) {
    if (equalsIgnoringCase(unit, bytes)) return true;
  }
  const size_t power = std::string_view("kmgtpe").find(static_cast<char>(unit[0] | 0x20));
  const unsigned base = baseOf(unit.substr(1));
  if (power == std::string_view::npos || base == 0) return false;
  for (size_t i = 0; i <= power; i++) *scale *= base;
  return true;
}

}  // namespace

bool parseNumber(std::string_view text, int64_t *out) {
  text = trim(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (negative || text[0] == '+')) text.remove_prefix(1);
  uint64_t value;
  if (!parseDigits(text, 10, &value) || value > INT64_MAX) return false;
  *out = negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
  return true;
}

bool parseSize(std::string_view text, std::string_view unit, uint64_t defaultScale, uint64_t *out) {
  int64_t count;
  uint64_t scale;
  if (!parseNumber(text, &count) || count < 0 || !scaleOf(unit, defaultScale, &scale)) return false;
  return !__builtin_mul_overflow(static_cast<uint64_t>(count), scale, out) && *out <= INT64_MAX;
}

bool parseAddressPart(std::string_view text, uint32_t *out) {
  text = trim(text);
  unsigned base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const bool hex = (text[1] | 0x20) == 'x';
    base = hex ? 16 : 8;
    text.remove_prefix(hex ? 2 : 1);
  }
  uint64_t value;
  if (!parseDigits(text, base, &value) || value > UINT32_MAX) return false;
  *out = static_cast<uint32_t>(value);
  return true;
}

}  // namespace virtshim::xml
