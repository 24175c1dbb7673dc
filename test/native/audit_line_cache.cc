// Whatever a thread recorded before, a record's line and its chain value are those that it would have had as the first.
#include "audit/chain.h"
#include "audit/xml.h"
#include "audit_check.h"
#include "audit_events.h"
#include "random.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

uint64_t random(uint64_t below) { return (nextRandom() >> 20) % below; }

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

void chooseFunction(Call *call) {
  static char domain;
  static const std::string huge(100000, 'x');
  const uint64_t kind = random(8);
  call->args[0].p = random(8) ? &domain : nullptr;
  call->args[1].p = kind < 2 && random(3) ? huge.c_str() : "<domain><name>a</name></domain>";
  if (kind == 2)
    call->args[2].p = "S3CRET";
  else
    call->args[2].u = random(2);
  call->args[3].u = random(2);
  call->event.function = findFunction(kind < 2    ? "virDomainAttachDeviceFlags"
                                      : kind == 2 ? "virDomainSetUserPassword"
                                      : kind < 6  ? "virDomainSuspend"
                                                  : "virDomainResume");
}

// Few values for each fact, so that calls differ in one of them, or in none.
void chooseFact(Call *call, int which) {
  static const std::string wide(20000, 'y');
  Event &event = call->event;
  switch (which) {
    case 0: return chooseFunction(call);
    case 1: event.args = random(20) ? call->args : nullptr; return;
    case 2: event.subject.pid = 1 + static_cast<uint32_t>(random(2)); return;
    case 3: event.subject.tid = 1 + static_cast<uint32_t>(random(2)); return;
    case 4: event.subject.uid = static_cast<uint32_t>(random(2)); return;
    case 5: event.subject.auid = static_cast<uint32_t>(random(2)); return;
    case 6: event.subject.ses = static_cast<uint32_t>(random(2)); return;
    case 7: event.subject.comm = pick({"c", "d"}); return;
    case 8: event.subject.exe = pick({"/e", "/f"}); return;
    case 9: event.subject.terminal = pick({"", "pts/0"}); return;
    case 10: event.subject.subj = pick({"", "label"}); return;
    case 11: event.policy = pick({"", "0123456789abcdef"}); return;
    case 12: event.nested = random(2); return;
    case 13: event.verdict = random(2) ? Verdict::Permitted : Verdict::WouldDeny; return;
    case 14: event.rule = pick({"", "r", "s"}); return;
    case 15: event.reason = pick({"", "r", "s"}); return;
    case 16: event.asserted.actor = pick({"", "u"}); return;
    case 17: event.asserted.via = pick({"", "u"}); return;
    case 18: event.asserted.reason = pick({"", "u"}); return;
    case 19: event.connection.known = random(8); return;
    case 20: event.connection.readOnly = random(2); return;
    case 21: event.connection.readOnlyKnown = random(2); return;
    case 22: event.connection.uri = pick({"test:///default", "test:///d", "esx://u:s3cret@host/", wide}); return;
    case 23: event.connection.driver = pick({"", "test"}); return;
    case 24: event.resource.kind = random(2) ? ObjectKind::Domain : ObjectKind::DomainSnapshot; return;
    case 25: event.resource.name = pick({"", "a", "b", "bb"}); return;
    case 26: event.resource.uuid = pick({"", "6695eb01-f6a4-8304-79aa-97f2502e193f"}); return;
    case 27: event.resource.parent = pick({"", "a"}); return;
  }
}

constexpr int kFacts = 28;

void chooseFacts(Call *call) {
  call->event = domainEvent("virDomainSuspend", Phase::Call, "a", call->args);
  for (int i = 0; i < kFacts; i++) chooseFact(call, i);
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
  chooseFacts(&call);
  for (int i = 0; i < 30000; i++) {
    // Most calls differ from the one before in one fact at most.
    if (random(40) == 0)
      chooseFacts(&call);
    else
      chooseFact(&call, static_cast<int>(random(kFacts)));
    call.event.rid = newRecordId();
    call.event.realtimeNs += 1;
    expectAsFirst(&writer, call.event);
    // Now and then something else comes in between, the facts change, the line's memory goes, or no response follows.
    if (random(8) == 0) {
      Call other;
      chooseFacts(&other);
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
