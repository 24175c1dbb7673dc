// The check of a trail: what follows is accepted, whatever else the bytes are is not, and no byte outside is touched.
#include "audit/trail_check.h"

#include <random>

#include "audit_trail_support.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

constexpr int kCalls = 20;

struct Files {
  std::string records, texts;
};

Files written() {
  Folder folder;
  inChild("writer", folder.path, [&] {
    Trail::configure({folder.path.c_str(), false, true, false});
    for (int i = 0; i < kCalls; i++) {
      const uint64_t rid = newRecordId();
      appendRecord(Phase::Call, rid);
      appendRecord(Phase::Response, rid);
    }
  });
  return {readFile(folder.file("trail.xml")), readFile(folder.file("audit.log"))};
}

// In memory of exactly that size, so that a sanitizer sees what is read behind it.
size_t follow(TrailCheck *check, const std::string &text) {
  std::vector<char> bytes(text.begin(), text.end());
  return check->follow({bytes.data(), bytes.size()});
}

void whole(const Files &files) {
  TrailCheck check({});
  check.addTexts(files.texts, true);
  check.beginFile();
  expect(follow(&check, files.records) == files.records.size(), "all records follow");
  expect(check.records == 2 * kCalls && check.anchored == kCalls && check.line() == 2 * kCalls, "and are counted");
  expect(check.calls.empty() && check.rewritten.empty() && check.unanchored == 0, "nothing is wrong");
  expect(check.texts.countMissing() == 0, "nothing is missing");
}

void half(const Files &files) {
  size_t end = 0;
  for (int line = 0; line < kCalls + 1; line++) end = files.records.find('\n', end) + 1;
  TrailCheck check({});
  check.addTexts(files.texts, false);
  check.beginFile();
  expect(follow(&check, files.records.substr(0, end + 100)) == end, "a line without its end is left");
  expect(check.calls.size() == 1 && check.calls.begin()->second.function == "virDomainSuspend", "an open call");
  expect(check.texts.countMissing() == kCalls / 2, "texts that match tell what the trail is called");
  uint64_t taken = 0;
  TextFacts facts;
  for (size_t at = 0; at < files.texts.size(); at = files.texts.find('\n', at) + 1) {
    const std::string line = files.texts.substr(at, files.texts.find('\n', at) - at);
    taken += readText(line, &facts) && check.texts.takeMissing(facts.rid);
  }
  expect(taken == kCalls / 2, "each missing one is told once");
}

// Any byte that is another one stops it in that line.
void flipped(const Files &files) {
  std::minstd_rand random(1);
  for (int i = 0; i < 3000; i++) {
    std::string text = files.records;
    const size_t at = random() % text.size();
    text[at] = static_cast<char>(text[at] ^ (1 + random() % 255));
    TrailCheck check({});
    check.beginFile();
    const size_t line = at == 0 ? 0 : files.records.rfind('\n', at - 1) + 1;
    expect(follow(&check, text) <= line, "flipped at " + std::to_string(at));
  }
}

void rubbish(const Files &files) {
  std::minstd_rand random(2);
  for (int i = 0; i < 3000; i++) {
    const std::string &from = i % 2 ? files.records : files.texts;
    const size_t at = random() % from.size();
    std::vector<char> bytes(from.begin() + static_cast<long>(at), from.end());
    bytes.resize(random() % bytes.size());
    if (!bytes.empty()) bytes[random() % bytes.size()] = '\n';
    const std::string_view view(bytes.data(), bytes.size());
    TrailCheck check({"0123456789abcdef", "x"});
    RootFacts facts;
    check.addTexts(view, i % 3 == 0);
    check.follow(view);
    if (readRoot(view, &facts)) check.note(view, facts);
    check.texts.countMissing();
  }
}

void manyTexts() {
  AuditTexts texts;
  for (uint64_t i = 1; i <= 100000; i++) texts.add(i * 0x9e3779b97f4a7c15, i, i % 2 ? 7 : 9, false);
  for (uint64_t i = 1; i <= 50000; i++)
    expect(texts.compare(i * 0x9e3779b97f4a7c15, i % 1000 ? i : 0) ==
               (i % 1000 ? AuditTexts::Same : AuditTexts::Different),
           "text " + std::to_string(i));
  expect(texts.compare(5, 5) == AuditTexts::Unknown, "unknown");
  expect(texts.countMissing() == 50000, "missing of both trails that were seen");
}

}  // namespace

int main() {
  const Files files = written();
  whole(files);
  half(files);
  flipped(files);
  rubbish(files);
  manyTexts();
  return finish();
}
