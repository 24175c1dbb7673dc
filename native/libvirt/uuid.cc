#include "libvirt/uuid.h"

namespace virtshim {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void appendHyphen(char **out, int byte) {
  if (byte == 4 || byte == 6 || byte == 8 || byte == 10) *(*out)++ = '-';
}

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void formatUuid(const uint8_t *bytes, char *out) {
  for (int i = 0; i < kUuidBytes; i++) {
    appendHyphen(&out, i);
    *out++ = kHex[bytes[i] >> 4];
    *out++ = kHex[bytes[i] & 15];
  }
  *out = 0;
}

bool parseUuid(std::string_view text, char *out) {
  uint8_t bytes[kUuidBytes] = {};
  int digits = 0;
  for (char c : text) {
    if (c == '-' || c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    int value = hexValue(c);
    if (value < 0 || digits == 2 * kUuidBytes) return false;
    bytes[digits / 2] = static_cast<uint8_t>(bytes[digits / 2] << 4 | value);
    digits++;
  }
  if (digits != 2 * kUuidBytes) return false;
  formatUuid(bytes, out);
  return true;
}

}  // namespace virtshim
