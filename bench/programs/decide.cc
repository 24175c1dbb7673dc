// The decision alone: loads an image and, for each line `FUNCTION COUNT` of standard input, judges a call of that
// function so often, its facts already known. Each line of standard output says how many allocations that took, and how
// many ns.
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "measure.h"
#include "policy/policy.h"

namespace {

using namespace virtshim;

long g_allocations = 0;

}  // namespace

extern "C" {

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size) { return ++g_allocations, __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return ++g_allocations, __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { return ++g_allocations, __libc_realloc(old, size); }
}

namespace {

// A guest of the test driver, and who asks for it.
class Facts final : public policy::CallFacts {
 public:
  uint32_t uid() override { return 1000; }
  bool inGroup(uint32_t gid) override { return gid == 1000; }
  policy::MaybeString connectionUri() override { return {true, "test:///default"}; }
  policy::MaybeString connectionDriver() override { return {true, "test"}; }
  policy::Tri connectionReadOnly() override { return policy::Tri::No; }
  ObjectKind resourceKind() override { return ObjectKind::Domain; }
  policy::MaybeString resourceName() override { return {true, "test"}; }
  policy::MaybeString resourceUuid() override { return {true, "6695eb01-f6a4-8304-79aa-97f2502e193f"}; }
  policy::MaybeId auid() override { return {true, 1000}; }
  policy::MaybeString executable() override { return {true, "/usr/bin/virsh"}; }
  policy::MaybeString command() override { return {true, "virsh"}; }
  policy::MaybeString terminal() override { return {true, "pts/0"}; }
  policy::MaybeString label() override { return {true, "unconfined"}; }
  policy::MaybeString actor() override { return {true, "alice"}; }
  policy::MaybeString reason() override { return {true, "ticket 7"}; }
  policy::MaybeString connectionTransport() override { return {true, "in-process"}; }
  policy::MaybeString connectionHost() override { return {true, ""}; }
  policy::MonitorCommands monitorCommands() override { return {true, 0, {}}; }
  policy::Tri xml() override { return policy::Tri::No; }
  policy::MaybeTime realtime() override { return {true, 1800000000}; }
  policy::Tri rateReached(const policy::image::Rate &) override { return policy::Tri::No; }
};

int fail(const char *what) { return fprintf(stderr, "decide: %s\n", what), 1; }

std::vector<uint64_t> readImage(const char *path, size_t *size) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<uint64_t> words(bytes.size() / 8 + 8);  // memory behind it, as where the shim reads one
  memcpy(words.data(), bytes.data(), bytes.size());
  *size = bytes.size();
  return words;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return fail("usage: decide IMAGE");
  size_t size = 0;
  const std::vector<uint64_t> image = readImage(argv[1], &size);
  policy::Policy policy;
  const policy::ImageError error = policy::Policy::load(reinterpret_cast<const uint8_t *>(image.data()), size, &policy);
  if (error != policy::ImageError::Ok) return fail(policy::describe(error));
  char line[128], name[64];
  while (fgets(line, sizeof line, stdin)) {
    long count = 0;
    if (sscanf(line, "%63s %ld", name, &count) != 2) continue;
    const FunctionId function = findFunction(name);
    ArgSlot slots[kMaxArgs] = {};
    Facts facts;
    long permitted = 0;
    const long before = g_allocations;
    const Span start = spanStart();
    for (long i = 0; i < count; ++i) {
      permitted += policy.decide({function, slots, &facts, false}).effect == policy::Effect::Allow;
    }
    const Span span = spanSince(start);
    const long allocated = g_allocations - before;
    if (permitted != count) return fail("the call was not permitted");
    printf("%ld %lld\n", allocated, static_cast<long long>(span.thread));
    fflush(stdout);
  }
  return 0;
}
