// Random values through the encodings: audit_encode_fuzz [COUNT] [SEED], 1,000,000 values by default.
// Each must come back as it was, and nothing but harmless characters may come out.
#include <cstdlib>

#include "audit/chain.h"
#include "audit/encode.h"
#include "audit/xml.h"
#include "audit_check.h"
#include "audit_events.h"
#include "audit_unescape.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

struct Random {
  uint64_t state;
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
  }
  size_t below(size_t limit) { return static_cast<size_t>(next() % limit); }
};

constexpr std::string_view kPieces[] = {"res=success'",
                                        "x,uuid=deadbeef",
                                        "]]>",
                                        "<!--",
                                        "&amp;",
                                        "&#10;",
                                        "\\x0A",
                                        "\\",
                                        "\"",
                                        "'",
                                        "\n",
                                        "\r",
                                        "\x1d",
                                        "\xe2\x80\xae",
                                        "\xe2\x80\xa8",
                                        "\xc2\x85",
                                        "\xed\xa0\x80",
                                        "\xff\xfe",
                                        "\xf0\x9f\x90\xa7",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xd8\x9c",
                                        "%00",
                                        "\" chain=\"",
                                        "</methodcall>",
                                        "\x7f",
                                        "\xc3",
                                        "\xef\xbb\xbf",
                                        "\xef\xbf\xbf",
                                        "type=VIRT_CONTROL"};

std::string value(Random *random) {
  std::string out;
  size_t parts = random->below(8);
  for (size_t i = 0; i < parts; i++) {
    if (random->below(2)) {
      out += kPieces[random->below(sizeof kPieces / sizeof *kPieces)];
    } else {
      size_t bytes = random->below(12);
      for (size_t b = 0; b < bytes; b++) out += static_cast<char>(1 + random->below(255));
    }
  }
  return out;
}

void checkXml(const std::string &value, Buffer *out) {
  out->clear();
  appendXmlEscaped(out, value);
  for (unsigned char c : out->view())
    expect(c >= 0x20 && c != 0x7f && c != '<' && c != '>' && c != '"', "harmless XML bytes");
  expect(unescapeXml(out->view()) == value, "XML round trip");
}

void checkField(const std::string &value, Buffer *out) {
  out->clear();
  appendAuditField(out, "vm", value);
  std::string_view text = out->view().substr(4);
  bool quoted = text.front() == '"';
  if (quoted) text = text.substr(1, text.size() - 2);
  for (unsigned char c : text)
    expect(quoted ? !strchr(" '\"=()%\\", c) && c > 0x20 && c < 0x7f : (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'),
           "harmless field bytes");
}

// The whole line: its root tag must still be found, and its sequence number and chain value read back.
void checkLine(const std::string &name, Redactor *redactor, LineCache *cache, Buffer *out) {
  static char domain;
  ArgSlot args[1];
  args[0].p = &domain;
  Event event = domainEvent("virDomainSuspend", Phase::Response, name, args);
  event.connection.uri = name;
  event.rule = name;
  event.error = {true, 1, 10, name};
  XmlLine line;
  expect(writeXmlLine(event, redactor, cache, out, &line), "memory");
  std::string_view text = placeSequence(out, line, 4711);
  LineFacts facts;
  expect(text.back() == '\n' && readLine(text.substr(0, text.size() - 1), &facts), "the root tag is found");
  expect(facts.sequence == 4711, "its sequence number");
}

}  // namespace

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 1000000;
  Random random{argc > 2 ? strtoull(argv[2], nullptr, 0) | 1 : 0x9e3779b97f4a7c15};
  SecretKey key{};
  Buffer out, scratch, more;
  LineCache cache;
  for (long i = 0; i < count && g_failures < 20; i++) {
    std::string text = value(&random);
    checkXml(text, &out);
    checkField(text, &out);
    Redactor redactor(key, &scratch, &more);
    if (i % 4 == 0) checkLine(text, &redactor, &cache, &out);
  }
  printf("%ld values\n", count);
  return finish();
}
