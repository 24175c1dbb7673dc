// Whatever a thread recorded before, a record's line and its chain value are those that it would have had as the first.
#include "audit/chain.h"
#include "audit/xml.h"
#include "audit_check.h"
#include "audit_events.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

uint64_t g_random = 88172645463325252;

uint64_t random(uint64_t below) {
  g_random ^= g_random << 13;
  g_random ^= g_random >> 7;
  g_random ^= g_random << 17;
  return (g_random >> 20) % below;
}

std::string_view pick(std::initializer_list<std::string_view> values) { return values.begin()[random(values.size())]; }

// What a thread keeps between its records.
struct Writer {
  Writer() : key{{}, true} {}

  // The line as it is appended, with its chain value.
  std::string write(const Event &event) {
    Redactor redactor(key, &scratch, &more);
    XmlLine line;
    uint8_t previous[kSha256Size] = {7}, value[kSha256Size];
    expect(writeXmlLine(event, &redactor, &cache, &out, &line), "memory");
    std::string_view text = placeSequence(&out, line, 4711), body = out.view(line.hashed);
    std::string_view head = text.substr(0, static_cast<size_t>(out.data() + line.bodyAt - text.data()));
    chainValue(line.body, body.substr(0, body.size() - 1), head, previous, value);
    hexLower(value, sizeof value, out.data() + line.chainAt);
    LineFacts facts;
    text.remove_suffix(1);
    expect(readLine(text, &facts) && followsFrom(previous, text, facts), "the chain holds: " + std::string(text));
    return std::string(text);
  }

  SecretKey key;
  Buffer scratch, more, out;
  LineCache cache;
};

struct Call {
  Event event;
  ArgSlot args[4];
};

// Few values for each fact, so that calls differ in one of them, or in none.
void randomCall(Call *call) {
  static char domain;
  static const std::string huge(100000, 'x'), wide(20000, 'y');
  const bool secret = random(6) == 0, define = !secret && random(4) == 0;
  call->args[0].p = random(8) ? &domain : nullptr;
  call->args[1].p = define ? (random(3) ? "<domain><name>a</name></domain>" : huge.c_str()) : "root";
  call->args[2].p = "S3CRET";
  call->args[3].u = random(2);
  if (define) call->args[2].u = random(2);
  const char *function = secret      ? "virDomainSetUserPassword"
                         : define    ? "virDomainAttachDeviceFlags"
                         : random(2) ? "virDomainSuspend"
                                     : "virDomainResume";
  Event event = domainEvent(function, Phase::Call, pick({"", "a", "b", "bb"}), random(20) ? call->args : nullptr);
  event.subject.tid = 1 + static_cast<uint32_t>(random(2));
  event.subject.uid = static_cast<uint32_t>(random(2));
  event.subject.comm = pick({"c", "d"});
  event.subject.exe = pick({"/e", "/f"});
  event.subject.terminal = pick({"", "pts/0"});
  event.policy = pick({"", "0123456789abcdef"});
  event.nested = random(2);
  event.verdict = random(2) ? Verdict::Permitted : Verdict::WouldDeny;
  event.rule = pick({"", "r", "s"});
  event.reason = pick({"", "r", "s"});
  event.asserted = {pick({"", "u"}), pick({"", "u"}), pick({"", "u"})};
  event.connection.known = random(8);
  event.connection.readOnly = random(2);
  event.connection.uri = pick({"test:///default", "test:///d", "esx://u:s3cret@host/", wide});
  event.resource.parent = pick({"", "a"});
  call->event = event;
}

Event responseTo(const Event &call) {
  Event event = call;
  event.phase = Phase::Response;
  event.continues = true;
  event.success = random(2);
  event.forwarded = random(4);
  event.result.i = event.success ? 0 : -1;
  event.realtimeNs += 1000 + static_cast<int64_t>(random(2) * 1000000000);
  if (!event.success) event.error = {true, 55, 10, "no S3CRET for s3cret"};
  return event;
}

void expectAsFirst(Writer *writer, const Event &event) {
  Writer fresh;
  expectEqual(writer->write(event), fresh.write(event), "as the first line");
}

}  // namespace

int main() {
  Writer writer;
  Call call;
  for (int i = 0; i < 20000; i++) {
    // Every other call is like the one before.
    if (i == 0 || random(2)) randomCall(&call);
    call.event.rid = newRecordId();
    call.event.realtimeNs += 1;
    expectAsFirst(&writer, call.event);
    // Now and then something else comes in between, the facts change, the line's memory goes, or no response follows.
    if (random(8) == 0) {
      Call other;
      randomCall(&other);
      expectAsFirst(&writer, other.event);
    }
    Event response = responseTo(call.event);
    if (random(8) == 0) {
      response.continues = false;
      response.resource.uuid = "00000000-0000-0000-0000-000000000000";
    }
    if (random(8) == 0) writer.out.shrink(0);
    if (random(8)) expectAsFirst(&writer, response);
  }
  return finish();
}
