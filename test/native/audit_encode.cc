// Each encoding, byte by byte and on the values that are known to mislead readers.
#include "audit/encode.h"

#include "audit_check.h"
#include "audit_unescape.h"

using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

std::string xml(std::string_view value) {
  Buffer out;
  appendXmlEscaped(&out, value);
  return std::string(out.view());
}

std::string field(std::string_view value) {
  Buffer out;
  appendAuditField(&out, "vm", value);
  return std::string(out.view());
}

std::string percent(std::string_view value) {
  Buffer out;
  appendPercentEncoded(&out, value);
  return std::string(out.view());
}

void everyByte() {
  for (int c = 0; c < 256; c++) {
    std::string value = {'a', static_cast<char>(c), 'z'};
    std::string escaped = xml(value);
    expect(unescapeXml(escaped) == value, "byte " + std::to_string(c) + " survives");
    for (unsigned char each : escaped)
      expect(each >= 0x20 && each < 0x7f, "byte " + std::to_string(c) + " stays ASCII");
    expect(!contains(escaped, "<") && !contains(escaped, ">") && !contains(escaped, "\""), "no markup");
  }
}

void everyPair() {
  for (int a = 0; a < 256; a++)
    for (int b = 0; b < 256; b++) {
      std::string value = {static_cast<char>(a), static_cast<char>(b)};
      expect(unescapeXml(xml(value)) == value, "pair " + std::to_string(a) + " " + std::to_string(b));
    }
}

void utf8() {
  expectEqual(xml("Gast \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7"), "Gast \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7",
              "letters stay");
  expectEqual(xml("\xc0\xaf"), "\\xC0\\xAF", "overlong");
  expectEqual(xml("\xed\xa0\x80"), "\\xED\\xA0\\x80", "surrogate");
  expectEqual(xml("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80", "beyond Unicode");
  expectEqual(xml("\xe2\x82"), "\\xE2\\x82", "cut");
  expectEqual(xml("\xc2\x85"), "\\xC2\\x85", "C1");
  expectEqual(xml("\xe2\x80\xa8"), "\\xE2\\x80\\xA8", "line separator");
  expectEqual(xml("\xe2\x80\xae"
                  "exe"),
              "\\xE2\\x80\\xAE"
              "exe",
              "override");
  expectEqual(xml("\xd8\x9c"), "\\xD8\\x9C", "arabic letter mark");
  expectEqual(xml("\xe2\x81\xa6"), "\\xE2\\x81\\xA6", "isolate");
  expectEqual(xml("\xef\xbf\xbe"), "\\xEF\\xBF\\xBE", "noncharacter");
  expectEqual(xml("\xf0\x9f\xbf\xbf"), "\\xF0\\x9F\\xBF\\xBF", "noncharacter of plane 1");
  expectEqual(xml("\xef\xb7\x90"), "\\xEF\\xB7\\x90", "noncharacter of the Arabic block");
}

void auditFields() {
  expectEqual(field("demo-1.0_a+b@c:d/e,f"), " vm=\"demo-1.0_a+b@c:d/e,f\"", "plain");
  expectEqual(field("x,uuid=deadbeef"), " vm=782C757569643D6465616462656566", "equals sign");
  expectEqual(field("res=success'"), " vm=7265733D7375636365737327", "quote");
  expectEqual(field(""), " vm=\"?\"", "empty");
  for (int c = 1; c < 256; c++) {
    std::string encoded = field(std::string(1, static_cast<char>(c)));
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                 contains("._+@:/,-", std::string(1, static_cast<char>(c)));
    expect((encoded[4] == '"') == plain, "quoting of byte " + std::to_string(c));
  }
}

void percents() {
  expectEqual(percent("qemu+ssh://root@hv2/system?keyfile=/root/k"), "qemu+ssh://root@hv2/system?keyfile%3D/root/k",
              "uri");
  expectEqual(percent("a b'c\"d%e&f=g\n\xff"), "a%20b%27c%22d%25e%26f%3Dg%0A%FF", "others");
}

void cuts() {
  expectEqual(cutUtf8("abc\xe2\x82\xac", 5), "abc", "inside a sequence");
  expectEqual(cutUtf8("abc\xe2\x82\xac", 6), "abc\xe2\x82\xac", "behind it");
}

}  // namespace

int main() {
  everyByte();
  everyPair();
  utf8();
  auditFields();
  percents();
  cuts();
  return finish();
}
