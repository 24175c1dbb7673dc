// Hostile XML: whatever a call brings along, asking for every fact must end, leave nothing behind and stay in bounds.
//
// As it is, this program cuts, flips and repeats parts of two documents, or reads the files that are its arguments.
// Built with `clang++ -fsanitize=fuzzer,address,undefined -DVIRTSHIM_FUZZER`, it is a libFuzzer target instead.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "api/xml_facts.h"
#include "xml/call_xml.h"
#include "xml/path.h"

using namespace virtshim;

namespace {

class Digest final : public policy::XmlValues {
 public:
  uint64_t sum = 0;
  void number(int64_t value) override { sum = sum * 31 + static_cast<uint64_t>(value); }
  void text(std::string_view value) override {
    for (const char c : value) sum = sum * 31 + static_cast<unsigned char>(c);
  }
};

uint64_t g_read = 0;    // documents that could be read
uint64_t g_values = 0;  // what was found in them, so that nothing of it is optimized away

void exercise(const char *text) {
  ArgSlot slots[kMaxArgs] = {};
  slots[1].p = text;
  xml::CallXml call(FunctionId::virDomainDefineXML, slots, xml::findInstalled);
  Digest digest;
  for (uint16_t fact = 0; fact < kXmlFactCount; ++fact) call.values(fact, &digest);
  for (const char *expression : {"//disk[source]", "count(//*) > 3", "//qemu:arg[", "string(//name) = '1'"})
    digest.sum += static_cast<uint64_t>(call.xpath(expression));
  g_read += call.present() == policy::Tri::Yes;
  g_values += digest.sum;
}

// In memory of its own, as small as it is: a sanitizer then sees the first byte beyond.
void exerciseCopy(const char *bytes, size_t size) {
  char *copy = static_cast<char *>(malloc(size + 1));
  memcpy(copy, bytes, size);
  copy[size] = 0;
  exercise(copy);
  char *simple = static_cast<char *>(malloc(size + 2));
  if (xml::simplifyPath({copy, strlen(copy)}, simple) > strlen(copy) + 1) abort();
  free(simple);
  free(copy);
}

}  // namespace

#ifdef VIRTSHIM_FUZZER

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  exerciseCopy(reinterpret_cast<const char *>(data), size);
  return 0;
}

#else

namespace {

const char *const kSeeds[] = {
    "<?xml version='1.0' encoding='UTF-8'?>\n<domain type='kvm' "
    "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>x</name><memory unit='GiB'>2</memory>"
    "<vcpu current='1'>2</vcpu><cpu mode='custom'><feature policy='disable' name='smep'/><numa><cell memory='1' "
    "unit='MiB'/></numa></cpu><devices><disk type='file'><source file='/a/../b'><encryption/></source></disk>"
    "<hostdev type='pci'><source><address domain='0' bus='0x3' slot='1' function='0'/></source></hostdev>"
    "<graphics type='vnc' listen='::' passwd='&amp;'/></devices><qemu:commandline><qemu:arg value='-s'/>"
    "</qemu:commandline><metadata><a:b xmlns:a='urn:a'/></metadata></domain>",
    "<volume><name>v</name><capacity unit='TB'>1</capacity><target><path>/x</path></target>"
    "<backingStore><path>../y</path></backingStore></volume>",
};

void cuts(const std::string &seed) {
  for (size_t size = 0; size < seed.size(); ++size) exerciseCopy(seed.data(), size);
}

void flips(std::string seed) {
  for (size_t i = 0; i < seed.size(); ++i) {
    for (const char byte : {'<', '>', '\'', '&', '\0', '\xff', ':', '9'}) {
      const char kept = seed[i];
      seed[i] = byte;
      exerciseCopy(seed.data(), seed.size());
      seed[i] = kept;
    }
  }
}

void repeats(const std::string &seed) {
  for (size_t i = 0; i + 40 < seed.size(); i += 7) {
    std::string grown = seed;
    for (int times = 0; times < 20; ++times) grown.insert(i, seed, i, 40);
    exerciseCopy(grown.data(), grown.size());
  }
}

// What a fuzzer kept, in files: each document once more.
int replay(int count, char **files) {
  for (int i = 0; i < count; ++i) {
    FILE *file = fopen(files[i], "rb");
    if (!file) return 1;
    static char bytes[1 << 16];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    exerciseCopy(bytes, size);
  }
  printf("%d inputs, %llu documents read\n", count, static_cast<unsigned long long>(g_read));
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc > 1) return replay(argc - 1, argv + 1);
  for (const char *seed : kSeeds) {
    exerciseCopy(seed, strlen(seed));
    cuts(seed);
    flips(seed);
    repeats(seed);
  }
  printf("%llu documents read, digest %016llx\n", static_cast<unsigned long long>(g_read),
         static_cast<unsigned long long>(g_values));
  return g_read > 100 ? 0 : 1;
}

#endif
