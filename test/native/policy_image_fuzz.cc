// Hostile images: load() may refuse them, but neither it nor decide() may leave the bytes or fail to end.
//
// As it is, this program tries every truncation and a fixed series of mutations, or the files that it is given. Built
// with `clang++ -fsanitize=fuzzer,address,undefined -DVIRTSHIM_FUZZER`, it is a libFuzzer target instead.
#include <cstdio>
#include <cstdlib>

#include "api/typed_parameter.h"
#include "policy/explain.h"
#include "policy_seed.h"
#include "random.h"

using namespace virtshim;
using policy_test::Image;

namespace {

class Facts final : public policy::CallFacts {
 public:
  Facts(bool known, ObjectKind kind, std::string_view name) : known_(known), kind_(kind), name_(name) {}

  uint32_t uid() override { return 1000; }
  bool inGroup(uint32_t gid) override { return gid == 5; }
  policy::MaybeString connectionUri() override { return {known_, "prod-uri"}; }
  policy::MaybeString connectionDriver() override { return {known_, "db-ax"}; }
  policy::Tri connectionReadOnly() override { return known_ ? policy::Tri::Yes : policy::Tri::Unknown; }
  ObjectKind resourceKind() override { return kind_; }
  policy::MaybeString resourceName() override { return {known_, name_}; }
  policy::MaybeString resourceUuid() override { return {known_, "6695eb01-f6a4-8304-79aa-97f2502e193f"}; }
  policy::MaybeId auid() override { return {known_, 1000}; }
  policy::MaybeString executable() override { return {known_, "prod-/bin/virsh"}; }
  policy::MaybeString command() override { return {known_, "prod-"}; }
  policy::MaybeString terminal() override { return {known_, "db/-0x"}; }
  policy::MaybeString label() override { return {known_, ""}; }
  policy::MaybeString actor() override { return {known_, name_}; }
  policy::MaybeString reason() override { return {known_, "because"}; }
  policy::MaybeString connectionTransport() override { return {known_, "prod-tls"}; }
  policy::MaybeString connectionHost() override { return {known_, "guest"}; }
  policy::MonitorCommands monitorCommands() override {
    return {known_, static_cast<uint8_t>(name_.size() % 3), {"prod-stop", "quit"}};
  }
  policy::Tri xml() override { return known_ ? policy::Tri::Yes : policy::Tri::Unknown; }
  bool xmlValues(uint16_t fact, policy::XmlValues *out) override {
    out->number(fact);
    out->text(name_);
    return name_.size() != 1;
  }
  policy::Tri xpath(const char *expression) override { return static_cast<policy::Tri>(strlen(expression) % 3); }
  policy::MaybeTime realtime() override { return {known_, kTimes[name_.size() % 4]}; }
  policy::Tri rateReached(const policy::image::Rate &rate) override {
    return static_cast<policy::Tri>((rate.calls + rate.seconds + rate.key) % 3);
  }

 private:
  static constexpr int64_t kTimes[] = {INT64_MIN, 1734000000, INT64_MAX, -1};

  bool known_;
  ObjectKind kind_;
  std::string_view name_;
};

uint64_t g_used = 0;    // images that were loaded
uint64_t g_digest = 0;  // what they decided, so that nothing of it is optimized away

const char kLongName[] = "prod-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

constexpr int kParameters = 9;

// One of each type, one of a type that there is not, and a field without an end.
const TypedParameter *parameters() {
  static TypedParameter all[kParameters];
  for (int i = 0; i < kParameters; ++i) {
    memset(all[i].field, 'x', sizeof all[i].field);
    memcpy(all[i].field, i % 2 == 0 ? "prod-weight" : "db-1x", i == 8 ? 5 : i % 2 == 0 ? 12 : 6);
    all[i].type = i;
    all[i].ul = static_cast<unsigned long long>(i) * 7;
  }
  all[7].s = "db-1x";
  all[8].type = static_cast<int>(TypedParameterType::String);
  all[8].s = nullptr;
  return all;
}

void fillArguments(const FunctionFacts &function, ArgSlot *slots) {
  static const uint8_t kUuid[16] = {1, 2, 3};
  for (int i = 0; i < function.argCount; ++i) {
    slots[i].u = 0;
    if (function.args[i].type == ArgType::String) slots[i].p = "db-1x";
    if (function.args[i].type == ArgType::Uuid) slots[i].p = kUuid;
    if (function.args[i].type <= ArgType::Size) slots[i].u = ~uint64_t{0};
  }
  for (int i = 0; i < function.argCount; ++i) {
    if (function.args[i].type != ArgType::TypedParams || function.args[i].count < 0) continue;
    slots[i].p = parameters();
    slots[function.args[i].count].i = kParameters;
  }
}

class Explained final : public policy::Explanations {
 public:
  void add(const policy::ExplainedRule &rule) override {
    g_digest += rule.rule + rule.checks + static_cast<uint64_t>(rule.answer) + rule.failed.first;
  }
};

void explain(const policy::Policy &policy, const policy::Request &request) {
  std::vector<uint16_t> coverage(policy.ruleCount());
  Explained out;
  policy::explain(policy, request, coverage.data(), &out);
}

void ask(const policy::Policy &policy, FunctionId id) {
  Facts everything[] = {{true, ObjectKind::Domain, "guest"},
                        {true, ObjectKind::Domain, kLongName},
                        {true, ObjectKind::StorageVol, ""},
                        {false, ObjectKind::Domain, ""},
                        {true, ObjectKind::Connect, "x"}};
  ArgSlot slots[kMaxArgs];
  fillArguments(facts(id), slots);
  for (Facts &one : everything) {
    const policy::Decision decision = policy.decide({id, slots, &one, false});
    g_digest += decision.rule + static_cast<uint64_t>(decision.effect) + decision.permission;
    g_digest += static_cast<uint64_t>(policy.ruleId(decision.rule)[0]) + decision.wouldDeny + decision.reasonMissing;
  }
  explain(policy, {id, slots, &everything[0], false});
  g_digest += policy.mayRefuse(id, true) + static_cast<uint64_t>(policy.auditLevel(id));
}

void exercise(const uint8_t *bytes, size_t size) {
  policy::Policy policy;
  if (policy::Policy::load(bytes, size, &policy) != policy::ImageError::Ok) return;
  ++g_used;
  g_digest += strlen(policy.name()) + strlen(policy.trail()) + policy.digest()[31];
  g_digest += static_cast<uint64_t>(policy.mode()) + static_cast<uint64_t>(policy.unknownApi());
  for (uint32_t rule = 0; rule < policy.ruleCount() && rule < 100; ++rule) g_digest += strlen(policy.ruleId(rule));
  for (uint16_t id = 0; id < kFunctionCount; id = static_cast<uint16_t>(id + 37))
    ask(policy, static_cast<FunctionId>(id));
  for (const char *name : {"virDomainSetSchedulerParameters", "virDomainDefineXML", "virDomainQemuMonitorCommand"})
    ask(policy, findFunction(name));
}

// In memory of its own, as small as it is: a sanitizer then sees the first byte beyond.
void exerciseCopy(const uint8_t *bytes, size_t size, bool sealed) {
  uint8_t *copy = static_cast<uint8_t *>(malloc(size));
  memcpy(copy, bytes, size);
  if (sealed && size >= sizeof(policy::image::Header)) policy_test::seal(copy, size);
  exercise(copy, size);
  free(copy);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  exerciseCopy(data, size, false);
  // The fuzzer's bytes become the parts of an image behind its table of functions, which is large and dull.
  static const Image kSeed = policy_test::Seed().build();
  Image seed = kSeed;
  uint8_t *bytes = policy_test::bytesOf(seed);
  const size_t table = kFunctionCount * sizeof(policy::image::Function);
  const size_t start = sizeof(policy::image::Header) + sizeof(policy::image::Body);
  const size_t total = seed.size() * 8;
  for (size_t i = 0; i < size; ++i) {
    const size_t at = i < start - sizeof(policy::image::Header) ? sizeof(policy::image::Header) + i : table + i;
    if (at < total) bytes[at] ^= data[i];
  }
  exerciseCopy(bytes, total, true);
  return 0;
}

#ifndef VIRTSHIM_FUZZER

namespace {

void truncations(Image seed) {
  const size_t size = seed.size() * 8;
  for (size_t length = 1; length < size; length += length < 1024 || length > size - 1024 ? 1 : 61) {
    exerciseCopy(policy_test::bytesOf(seed), length, false);
    exerciseCopy(policy_test::bytesOf(seed), length, true);
  }
}

// Every 32-bit word behind the header becomes each of these; the table of functions is sampled.
void words(const Image &seed) {
  static const uint32_t kValues[] = {0,      1,      2,          7,          8,          63,        64,
                                     0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
  const size_t size = seed.size() * 8;
  const size_t start = sizeof(policy::image::Header);
  const size_t table = start + sizeof(policy::image::Body);
  const size_t dull = table + kFunctionCount * sizeof(policy::image::Function) - 60;
  for (size_t at = start; at + 4 <= size; at += at > table && at < dull ? 148 : 4) {
    for (const uint32_t value : kValues) {
      Image mutated = seed;
      memcpy(policy_test::bytesOf(mutated) + at, &value, sizeof value);
      exerciseCopy(policy_test::bytesOf(mutated), size, true);
    }
  }
}

void randomBytes(const Image &seed, int rounds) {
  const size_t size = seed.size() * 8;
  const size_t start = sizeof(policy::image::Header);
  const size_t behindTable = start + sizeof(policy::image::Body) + kFunctionCount * sizeof(policy::image::Function);
  for (int round = 0; round < rounds; ++round) {
    Image mutated = seed;
    for (uint64_t i = 0; i < 1 + test::nextRandom() % 4; ++i) {
      const size_t from = test::nextRandom() % 4 == 0 ? start : behindTable;
      policy_test::bytesOf(mutated)[from + test::nextRandom() % (size - from)] =
          static_cast<uint8_t>(test::nextRandom());
    }
    exerciseCopy(policy_test::bytesOf(mutated), size, true);
  }
}

int g_failures = 0;

void expect(bool ok, const char *what) {
  if (ok) return;
  printf("FAIL %s\n", what);
  ++g_failures;
}

void seedDecides(Image seed) {
  policy::Policy policy;
  const policy::ImageError error = policy::Policy::load(policy_test::bytesOf(seed), seed.size() * 8, &policy);
  expect(error == policy::ImageError::Ok, "the seed is a good image");
  if (error != policy::ImageError::Ok) return;
  Facts guest(true, ObjectKind::Domain, "guest");
  const FunctionId suspend = findFunction("virDomainSuspend");
  ArgSlot slots[kMaxArgs] = {};
  const policy::Decision decision = policy.decide({suspend, slots, &guest, false});
  expect(decision.effect == policy::Effect::Deny && strcmp(policy.ruleId(decision.rule), "named") == 0,
         "the seed's index leads to the rule on the name");
}

// What a fuzzer kept, in files: each input once more.
int replay(int count, char **files) {
  for (int i = 0; i < count; ++i) {
    FILE *file = fopen(files[i], "rb");
    expect(file != nullptr, files[i]);
    if (file == nullptr) continue;
    static uint8_t bytes[1 << 16];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
  }
  printf("%d inputs, %llu images used\n", count, static_cast<unsigned long long>(g_used));
  return g_failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc > 1) return replay(argc - 1, argv + 1);
  const Image seed = policy_test::Seed().build();
  seedDecides(seed);
  truncations(seed);
  words(seed);
  const uint64_t before = g_used;
  randomBytes(seed, 250000);
  expect(g_used - before > 1000, "mutated images are still loaded and judged by");
  printf("%llu images used, digest %llx\n", static_cast<unsigned long long>(g_used),
         static_cast<unsigned long long>(g_digest));
  return g_failures == 0 ? 0 : 1;
}

#endif
