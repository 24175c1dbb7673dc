// Writes records about what it is told: audit_emit DIR [netlink] [file] < values
// Each value ends in a NUL. For each, a response of virDomainSuspend on a guest of that name is recorded, with the
// value as rule, connection, error message and everything asserted too. Without arguments it checks itself with a few
// values.
#include <sstream>

#include "audit_trail_support.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

void emit(const std::string &value) {
  static char domain;
  ArgSlot args[1];
  args[0].p = &domain;
  Event event = domainEvent("virDomainSuspend", Phase::Response, value, args);
  event.success = false;
  event.rule = value;
  event.connection.uri = value;
  event.asserted = {value, value, value};
  event.error = {true, 55, 10, value};
  expect(Trail::append(event) == AppendResult::Ok, Trail::lastFailure());
}

void emitDevice(const std::string &xml) {
  static char domain;
  ArgSlot args[3];
  args[0].p = &domain;
  args[1].p = xml.c_str();
  args[2].u = 3;
  Event event = domainEvent("virDomainAttachDeviceFlags", Phase::Response, "demo", args);
  expect(Trail::append(event) == AppendResult::Ok, Trail::lastFailure());
}

std::string readInput() {
  std::string input;
  char block[4096];
  for (ssize_t got; (got = read(0, block, sizeof block)) > 0;) input.append(block, static_cast<size_t>(got));
  return input;
}

int emitInput(void (*each)(const std::string &)) {
  std::string input = readInput();
  for (size_t at = 0; at < input.size();) {
    size_t end = input.find('\0', at);
    if (end == std::string::npos) end = input.size();
    each(input.substr(at, end - at));
    at = end + 1;
  }
  Trail::shutdown();
  return finish();
}

int checkOwn() {
  Folder folder;
  Trail::configure({folder.path.c_str(), false, true, false});
  for (const char *value : {"demo", "res=success'", "x,uuid=deadbeef", "\n\x1d"}) emit(value);
  expectTrail({folder.file("trail.xml")}, 4, "emitted");
  return finish();
}

}  // namespace

int main(int argc, char **argv) {
  if (argc == 1) return checkOwn();
  bool netlink = false, file = false, device = false;
  for (int i = 2; i < argc; i++) {
    netlink |= std::string_view(argv[i]) == "netlink";
    file |= std::string_view(argv[i]) == "file";
    device |= std::string_view(argv[i]) == "device";
  }
  Trail::configure({argv[1], netlink, file, false});
  return emitInput(device ? emitDevice : emit);
}
