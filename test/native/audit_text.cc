// The audit text of calls, field by field and in order; what a name cannot do; the limits.
#include "audit/text.h"

#include "audit_check.h"
#include "audit_events.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

char g_object;

std::string text(const Event &event) {
  SecretKey key{};
  Buffer scratch, more, out;
  Redactor redactor(key, &scratch, &more);
  expect(writeAuditText(event, {"0123456789abcdef", "fedcba9876543210"}, &redactor, &out), "memory");
  return std::string(out.view());
}

Event fixed(const char *function, std::string_view name, const ArgSlot *args) {
  Event event = domainEvent(function, Phase::Response, name, args);
  event.rid = 0x5f3a;
  event.subject.comm = "virsh";
  event.subject.exe = "/usr/bin/virsh";
  event.subject.terminal = "pts/0";
  return event;
}

void permitted() {
  ArgSlot args[1];
  args[0].p = &g_object;
  expectEqual(
      text(fixed("virDomainSuspend", "demo", args)),
      "virt=test op=virDomainSuspend reason=permitted vm=\"demo\" uuid=6695eb01-f6a4-8304-79aa-97f2502e193f "
      "rid=0000000000005f3a chain=0123456789abcdef trail=fedcba9876543210 uri=\"test:///default\" comm=\"virsh\" "
      "exe=\"/usr/bin/virsh\" hostname=? addr=? terminal=pts/0 res=success",
      "permitted");
}

void denied() {
  ArgSlot args[1];
  args[0].p = &g_object;
  Event event = fixed("virDomainDestroy", "demo", args);
  event.verdict = Verdict::Denied;
  event.success = false;
  event.rule = "no destroy";
  event.error = {true, 88, 55, "access denied"};
  std::string got = text(event);
  expect(contains(got, "op=virDomainDestroy reason=denied vm="), got);
  expect(contains(got, " rule=\"no%20destroy\" rid="), got);
  expect(!contains(got, " err="), got);
  expect(got.substr(got.size() - 11) == " res=failed", got);
}

void failed() {
  ArgSlot args[1];
  args[0].p = &g_object;
  Event event = fixed("virDomainShutdown", "demo", args);
  event.success = false;
  event.error = {true, 55, 10, "Requested operation is not valid"};
  std::string got = text(event);
  expect(contains(got, "reason=error ") && contains(got, " err=55 ") && contains(got, " res=failed"), got);
}

void wouldDeny() {
  ArgSlot args[1];
  args[0].p = &g_object;
  Event event = fixed("virDomainDestroy", "demo", args);
  event.verdict = Verdict::WouldDeny;
  event.rule = "r";
  expect(contains(text(event), "reason=permitted ") && contains(text(event), " rule=\"r\" "), text(event));
}

void extras() {
  ArgSlot memory[3];
  memory[0].p = &g_object;
  memory[1].u = 262144;
  memory[2].u = 1;
  std::string got = text(fixed("virDomainSetMemoryFlags", "demo", memory));
  expect(contains(got, " apiflags=0x1 new-mem=262144 rid="), got);
  ArgSlot vcpus[3];
  vcpus[0].p = &g_object;
  vcpus[1].u = 4;
  vcpus[2].u = 0;
  got = text(fixed("virDomainSetVcpusFlags", "demo", vcpus));
  expect(contains(got, " new-vcpu=4 ") && !contains(got, "apiflags"), got);
  ArgSlot device[3];
  device[0].p = &g_object;
  device[1].p = "<disk type='file' device='disk'><source file='/var/lib/libvirt/images/x.img'/></disk>";
  device[2].u = 3;
  got = text(fixed("virDomainAttachDeviceFlags", "demo", device));
  expect(contains(got, " apiflags=0x3 dev=disk path=\"/var/lib/libvirt/images/x.img\" "), got);
}

void otherResources() {
  ArgSlot args[2];
  args[0].p = &g_object;
  args[1].u = 0;
  Event event = fixed("virNetworkDestroy", "", args);
  event.resource = {ObjectKind::Network, "de fault", "11111111-2222-3333-4444-555555555555", ""};
  std::string got = text(event);
  expect(contains(got, " target=\"network:de%20fault\" "), got);
  expect(!contains(got, " vm=") && !contains(got, "uuid="), "a network is no guest: " + got);
  event = fixed("virDomainRevertToSnapshot", "", args);
  event.resource = {ObjectKind::DomainSnapshot, "snap", "", "demo"};
  got = text(event);
  expect(contains(got, " vm=\"demo\" target=\"domain-snapshot:snap\" "), got);
}

void asserted() {
  ArgSlot args[1];
  args[0].p = &g_object;
  Event event = fixed("virDomainSuspend", "demo", args);
  event.asserted = {"al'ice uid=0", "shop", "ticket 4711"};
  expect(contains(text(event),
                  " trail=fedcba9876543210 asserted-actor=\"al%27ice%20uid%3D0\" asserted-via=\"shop\" "
                  "asserted-reason=\"ticket%204711\" uri="),
         text(event));
  std::string longest(257, 'x');
  event.asserted = {"", "", longest};
  expect(contains(text(event), " asserted-reason=\"" + longest.substr(1) + "...\" uri="), text(event));
  expect(!contains(text(event), "asserted-actor") && !contains(text(event), "asserted-via"), text(event));
}

// The end must be the real one, whatever the values are.
void limits() {
  ArgSlot args[1];
  args[0].p = &g_object;
  std::string longest(5000, '\xff');
  Event event = fixed("virDomainSuspend", longest, args);
  event.connection.uri = longest;
  event.rule = longest;
  event.subject.exe = longest;
  event.asserted = {longest, longest, longest};
  event.subject.comm = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
  event.error = {true, 1, 1, longest};
  std::string got = text(event);
  expect(got.size() <= kMaxTextBytes, "size " + std::to_string(got.size()));
  expect(contains(got, " uuid=6695eb01-f6a4-8304-79aa-97f2502e193f "), "uuid stays");
  expect(got.substr(got.size() - 12) == " res=success", "res= is last");
  size_t begin = got.find(" vm=") + 4;
  expect(got.find(' ', begin) - begin == 510, "vm holds 255 bytes");
}

void hostileConnections() {
  ArgSlot args[1];
  args[0].p = &g_object;
  Event event = fixed("virDomainSuspend", "demo", args);
  event.connection.driver = "x res=failed";
  event.connection.uri = "test:///x?vm=other' res=failed";
  event.subject.terminal = "a b";
  std::string got = text(event);
  expect(contains(got, "virt=? ") && contains(got, " terminal=? ") && contains(got, "vm%3Dother%27%20res%3Dfailed"),
         got);
}

}  // namespace

int main() {
  permitted();
  denied();
  failed();
  wouldDeny();
  extras();
  otherResources();
  asserted();
  limits();
  hostileConnections();
  return finish();
}
