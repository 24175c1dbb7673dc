// Hostile texts that rules are asked about: URIs of connections, commands to monitors. Reading them must end, stay
// within the text and say the same twice.
//
// As it is, this program mutates a few texts in a fixed way. Built with
// `clang++ -fsanitize=fuzzer,address,undefined -DVIRTSHIM_FUZZER`, it is a libFuzzer target instead.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "call/object_xml.h"
#include "policy/connection_uri.h"
#include "policy/glob.h"
#include "policy/monitor_command.h"
#include "random.h"

using namespace virtshim;

namespace {

uint64_t g_known = 0;   // texts that could be read
uint64_t g_digest = 0;  // what was found in them, so that nothing of it is optimized away

void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "FAIL %s\n", what);
  abort();
}

void take(const policy::MaybeString &fact) {
  g_known += fact.known;
  for (const char c : fact.value) g_digest = g_digest * 31 + static_cast<unsigned char>(c);
}

bool same(const policy::MaybeString &a, const policy::MaybeString &b) {
  return a.known == b.known && (!a.known || a.value == b.value);
}

void readUri(std::string_view text) {
  const policy::ConnectionUri uri(text), again(text);
  for (const policy::MaybeString &fact : {uri.driver(), uri.transport(), uri.host()}) take(fact);
  require(same(uri.driver(), again.driver()) && same(uri.host(), again.host()), "a URI leads to one place");
  require(!uri.driver().known || uri.driver().value.size() <= 32, "drivers have their room");
  require(!uri.host().known || uri.host().value.size() <= 256, "hosts have their room");
}

void foldCopy(std::string_view text) {
  char *copy = static_cast<char *>(malloc(text.size() + 1));
  memcpy(copy, text.data(), text.size());
  policy::foldUri(copy, text.size());
  // What was folded stays as it is.
  std::string once(copy, text.size());
  policy::foldUri(copy, text.size());
  require(once == std::string_view(copy, text.size()), "folding is done at once");
  free(copy);
}

void readCommand(FunctionId function, const char *text, size_t size, uint64_t flags) {
  const FunctionFacts &facts = virtshim::facts(function);
  ArgSlot slots[kMaxArgs] = {};
  for (int i = 0; i < facts.argCount; ++i) {
    if (strcmp(facts.args[i].name, "cmd") == 0) slots[i].p = text;
    if (strcmp(facts.args[i].name, "flags") == 0) slots[i].u = flags;
  }
  const policy::MonitorCommands commands = policy::monitorCommandsOf(function, slots);
  require(commands.count <= 2, "at most two names");
  for (int i = 0; commands.known && i < commands.count; ++i) {
    take({true, commands.names[i]});
    require(commands.names[i].size() <= size + 32, "a name is not longer than its text, but for known ones");
  }
}

void readDefinition(std::string_view text) {
  for (const auto read : {childText, rootAttribute}) {
    std::string_view found;
    if (!read(text, "name", &found)) continue;
    take({true, found});
    require(!found.empty() && found.data() >= text.data() && found.data() + found.size() <= text.data() + text.size(),
            "a name is a part of its definition");
  }
}

// In memory of its own, as small as it is: a sanitizer then sees the first byte beyond.
void exercise(const char *bytes, size_t size) {
  char *text = static_cast<char *>(malloc(size + 1));
  memcpy(text, bytes, size);
  text[size] = 0;
  const size_t length = strlen(text);
  readUri({text, length});
  foldCopy({text, length});
  readDefinition({text, length});
  for (const uint64_t flags : {0, 1}) readCommand(FunctionId::virDomainQemuMonitorCommand, text, length, flags);
  readCommand(FunctionId::virDomainQemuAgentCommand, text, length, 0);
  const size_t half = length / 2;
  g_digest += policy::globMatches({text, half}, {text + half, length - half});
  free(text);
}

}  // namespace

#ifdef VIRTSHIM_FUZZER

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  exercise(reinterpret_cast<const char *>(data), size);
  return 0;
}

#else

namespace {

const char *const kSeeds[] = {
    "qemu+ssh://root@[fe80::1%25eth0]:22/system?keyfile=/a&command=/b;name=qemu:///session",
    "test+unix:///default?socket=%2frun%2fx&NAME=%71emu:///system#part",
    "vpx://user%40domain@10.0.0.1/dc/cluster?no_verify=1&transport=http",
    "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"info status\"}, \"id\": [1, {\"a\": "
    "null}]}",
    "{\"exec-oob\":\"migrate-pause\",\"execute\":\"\\u0071uit\"}",
    "  info  registers -a; quit",
    "<?xml version='1.0' encoding='UTF-8'?><!-- <name>c</name> --><filter x:name='d' name = "
    "\"a\"><name>b</name></filter>",
};
const char kPieces[] = "<>'!-%:/?#[]@&=;+{}\",\\ue0\x7f\xff\n 1aZ*";

std::string mutated(std::string text) {
  for (uint64_t i = 0; i < 1 + test::nextRandom() % 5; ++i) {
    const size_t at = test::nextRandom() % (text.size() + 1);
    const char piece = kPieces[test::nextRandom() % (sizeof kPieces - 1)];
    switch (test::nextRandom() % 4) {
      case 0: text.insert(at, 1, piece); break;
      case 1: text.erase(at, test::nextRandom() % 4); break;
      case 2: text.insert(at, text.substr(test::nextRandom() % (text.size() + 1), test::nextRandom() % 16)); break;
      default:
        if (at < text.size()) text[at] = piece;
    }
  }
  return text;
}

}  // namespace

int main() {
  for (const char *seed : kSeeds) {
    const std::string text = seed;
    for (size_t length = 0; length <= text.size(); ++length) exercise(text.data(), length);
    for (int i = 0; i < 40000; ++i) {
      const std::string other = mutated(text);
      exercise(other.data(), other.size());
    }
  }
  // Linear in their length, however they are nested or repeated.
  for (const char *piece : {"[", "{\"a\":", "%41", "&name=", "\\\"", "*a", "<a b='", "<!--"}) {
    std::string text;
    while (text.size() < 1 << 20) text += piece;
    exercise(text.data(), text.size());
    exercise(("{\"execute\":" + text).data(), text.size() + 11);
  }
  printf("%llu facts known, digest %llx\n", static_cast<unsigned long long>(g_known),
         static_cast<unsigned long long>(g_digest));
  if (g_known > 10000) return 0;
  printf("FAIL hardly anything could be read\n");
  return 1;
}

#endif
