#include "libvirt/loaded_objects.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace virtshim {
namespace {

const char *baseName(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

bool startsWith(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

// The dynamic section of one object, as absolute addresses.
struct Dynamic {
  const ElfW(Sym) * symbols;
  const char *strings;
  const uint32_t *gnuHash;
  const uint32_t *sysvHash;
  const ElfW(Half) * versions;
  const ElfW(Verdef) * versionDefinitions;
  size_t versionDefinitionCount;
};

// glibc relocates d_ptr in place for ordinary objects but not for the vDSO: an address below the load base is an
// offset still.
template <typename T>
const T *absolute(const dl_phdr_info *info, ElfW(Addr) value) {
  return reinterpret_cast<const T *>(value < info->dlpi_addr ? info->dlpi_addr + value : value);
}

bool readDynamic(const dl_phdr_info *info, Dynamic *out) {
  const ElfW(Dyn) *entry = nullptr;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
      entry = reinterpret_cast<const ElfW(Dyn) *>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
  }
  if (!entry) return false;
  *out = {};
  for (; entry->d_tag != DT_NULL; entry++) {
    switch (entry->d_tag) {
      case DT_SYMTAB: out->symbols = absolute<ElfW(Sym)>(info, entry->d_un.d_ptr); break;
      case DT_STRTAB: out->strings = absolute<char>(info, entry->d_un.d_ptr); break;
      case DT_GNU_HASH: out->gnuHash = absolute<uint32_t>(info, entry->d_un.d_ptr); break;
      case DT_HASH: out->sysvHash = absolute<uint32_t>(info, entry->d_un.d_ptr); break;
      case DT_VERSYM: out->versions = absolute<ElfW(Half)>(info, entry->d_un.d_ptr); break;
      case DT_VERDEF: out->versionDefinitions = absolute<ElfW(Verdef)>(info, entry->d_un.d_ptr); break;
      case DT_VERDEFNUM: out->versionDefinitionCount = entry->d_un.d_val; break;
    }
  }
  return out->symbols && out->strings;
}

// The parts of a GNU hash table.
struct GnuHash {
  explicit GnuHash(const Dynamic &dynamic) : bucketCount(dynamic.gnuHash[0]), firstHashed(dynamic.gnuHash[1]) {
    uint32_t bloomWords = dynamic.gnuHash[2];
    buckets = dynamic.gnuHash + 4 + bloomWords * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    chains = buckets + bucketCount;
  }

  uint32_t bucketCount, firstHashed;
  const uint32_t *buckets, *chains;
};

// The ELF structures do not say how many symbols there are; the hash table does, in its own way.
size_t symbolCount(const Dynamic &dynamic) {
  if (dynamic.sysvHash) return dynamic.sysvHash[1];
  if (!dynamic.gnuHash) return 0;
  GnuHash table(dynamic);
  uint32_t last = 0;
  for (uint32_t i = 0; i < table.bucketCount; i++) last = table.buckets[i] > last ? table.buckets[i] : last;
  if (last < table.firstHashed) return table.firstHashed;
  while (!(table.chains[last - table.firstHashed] & 1)) last++;
  return last + 1;
}

bool isDefinedFunction(const ElfW(Sym) & symbol) {
  unsigned type = ELF64_ST_TYPE(symbol.st_info);
  return symbol.st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_GNU_IFUNC);
}

// Whether the symbol is the function `name` in its default version: the hidden bit marks old ones, which a fresh link
// would not get.
bool isDefaultFunction(const Dynamic &dynamic, size_t symbol, const char *name) {
  if (dynamic.versions && (dynamic.versions[symbol] & 0x8000)) return false;
  return isDefinedFunction(dynamic.symbols[symbol]) &&
         strcmp(dynamic.strings + dynamic.symbols[symbol].st_name, name) == 0;
}

uint32_t gnuHashOf(const char *name) {
  uint32_t hash = 5381;
  for (; *name; name++) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

// Index of the function, or 0. By the hash table, as the dynamic linker itself: this runs in every process that
// inherits the preload, and the C library has thousands of symbols.
size_t findByGnuHash(const Dynamic &dynamic, const char *name) {
  GnuHash table(dynamic);
  uint32_t hash = gnuHashOf(name), at = table.buckets[hash % table.bucketCount];
  if (at < table.firstHashed) return 0;
  while (true) {
    uint32_t link = table.chains[at - table.firstHashed];
    if ((link | 1) == (hash | 1) && isDefaultFunction(dynamic, at, name)) return at;
    if (link & 1) return 0;
    at++;
  }
}

size_t findFunctionSymbol(const Dynamic &dynamic, const char *name) {
  if (dynamic.gnuHash) return findByGnuHash(dynamic, name);
  size_t count = symbolCount(dynamic);
  for (size_t i = 1; i < count; i++) {
    if (isDefaultFunction(dynamic, i, name)) return i;
  }
  return 0;
}

struct FindRequest {
  const char *prefix;
  const char *name;
  void *found;
};

int findInObject(dl_phdr_info *info, size_t, void *opaque) {
  auto *request = static_cast<FindRequest *>(opaque);
  Dynamic dynamic;
  if (!startsWith(baseName(info->dlpi_name), request->prefix) || !readDynamic(info, &dynamic)) return 0;
  size_t symbol = findFunctionSymbol(dynamic, request->name);
  if (symbol) request->found = reinterpret_cast<void *>(info->dlpi_addr + dynamic.symbols[symbol].st_value);
  return symbol != 0;
}

constexpr size_t kMaxVersions = 512;

// Which version indexes are public nodes ("LIBVIRT_9.0.0", not "LIBVIRT_PRIVATE_9.0.0"). Worked out once, because the
// definitions are a linked list and a libvirt has thousands of symbols.
struct PublicVersions {
  bool isPublic[kMaxVersions] = {};

  explicit PublicVersions(const Dynamic &dynamic) {
    const char *at = reinterpret_cast<const char *>(dynamic.versionDefinitions);
    for (size_t i = 0; at && i < dynamic.versionDefinitionCount; i++) {
      auto *definition = reinterpret_cast<const ElfW(Verdef) *>(at);
      auto *aux = reinterpret_cast<const ElfW(Verdaux) *>(at + definition->vd_aux);
      const char *name = dynamic.strings + aux->vda_name;
      if (definition->vd_ndx < kMaxVersions) isPublic[definition->vd_ndx] = !strstr(name, "PRIVATE");
      at += definition->vd_next;
    }
  }
};

struct VisitRequest {
  const char *soname;
  VisitExport visit;
  void *opaque;
};

int visitObject(dl_phdr_info *info, size_t, void *opaque) {
  auto *request = static_cast<VisitRequest *>(opaque);
  Dynamic dynamic;
  if (!startsWith(baseName(info->dlpi_name), request->soname) || !readDynamic(info, &dynamic)) return 0;
  if (!dynamic.versions) return 1;
  PublicVersions versions(dynamic);
  size_t count = symbolCount(dynamic);
  for (size_t i = 1; i < count; i++) {
    size_t version = dynamic.versions[i] & 0x7fff;
    if (version >= kMaxVersions || !versions.isPublic[version] || !isDefinedFunction(dynamic.symbols[i])) continue;
    const char *name = dynamic.strings + dynamic.symbols[i].st_name;
    if (startsWith(name, "vir")) request->visit(name, request->opaque);
  }
  return 1;
}

// libvirt-glib.so, libvirtmod.so and libvirtd are users of libvirt: only these names are libvirt itself.
bool isLibvirtObject(const char *path) {
  const char *base = baseName(path);
  for (const char *prefix : {"libvirt.so", "libvirt-qemu.so", "libvirt-lxc.so", "libvirt-admin.so"}) {
    if (startsWith(base, prefix)) return true;
  }
  for (const char *folder : {"/libvirt/connection-driver/", "/libvirt/storage-backend/", "/libvirt/storage-file/",
                             "/libvirt/lock-driver/"}) {
    if (strstr(path, folder)) return true;
  }
  return false;
}

// Code segments whose owner is known already: nearly every call comes from one or two of them. Entries are only ever
// added, so readers need no lock; a full table means a slower look-up, nothing else.
struct Owner {
  uintptr_t begin, end;
  bool libvirt;
  std::atomic<bool> ready;
};
constexpr int kOwnerCapacity = 64;
Owner owners[kOwnerCapacity];
std::atomic<int> ownerCount;

const Owner *knownOwner(uintptr_t address) {
  for (const Owner &owner : owners) {
    if (!owner.ready.load(std::memory_order_acquire)) return nullptr;
    if (address >= owner.begin && address < owner.end) return &owner;
  }
  return nullptr;
}

void addOwner(uintptr_t begin, uintptr_t end, bool libvirt) {
  int at = ownerCount.fetch_add(1, std::memory_order_relaxed);
  if (at >= kOwnerCapacity) {
    ownerCount.store(kOwnerCapacity, std::memory_order_relaxed);
    return;
  }
  owners[at].begin = begin;
  owners[at].end = end;
  owners[at].libvirt = libvirt;
  owners[at].ready.store(true, std::memory_order_release);
}

struct OwnerRequest {
  uintptr_t address;
  uintptr_t begin, end;
  bool libvirt;
};

int findOwner(dl_phdr_info *info, size_t, void *opaque) {
  auto *request = static_cast<OwnerRequest *>(opaque);
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) &header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD) continue;
    uintptr_t begin = info->dlpi_addr + header.p_vaddr, end = begin + header.p_memsz;
    if (request->address < begin || request->address >= end) continue;
    *request = {request->address, begin, end, isLibvirtObject(info->dlpi_name)};
    return 1;
  }
  return 0;
}

int isModuleOf(dl_phdr_info *info, size_t, void *opaque) {
  const std::string_view driver = *static_cast<std::string_view *>(opaque);
  constexpr std::string_view kBefore = "libvirt_driver_", kAfter = ".so";
  std::string_view base = baseName(info->dlpi_name);
  return base.size() == kBefore.size() + driver.size() + kAfter.size() && base.substr(0, kBefore.size()) == kBefore &&
         base.substr(kBefore.size(), driver.size()) == driver && base.substr(kBefore.size() + driver.size()) == kAfter;
}

extern "C" const char __ehdr_start[] __attribute__((visibility("hidden")));
extern "C" const char _end[] __attribute__((visibility("hidden")));

}  // namespace

void *findInLibc(const char *name) {
  for (const char *prefix : {"libc.so.", "libdl.so."}) {
    FindRequest request = {prefix, name, nullptr};
    dl_iterate_phdr(findInObject, &request);
    if (request.found) return request.found;
  }
  return nullptr;
}

bool hasDriverModule(std::string_view driver) {
  if (driver == "xen") driver = "libxl";
  return dl_iterate_phdr(isModuleOf, &driver) != 0;
}

void forEachPublicExport(const char *soname, VisitExport visit, void *opaque) {
  VisitRequest request = {soname, visit, opaque};
  dl_iterate_phdr(visitObject, &request);
}

bool isShimCode(const void *address) {
  auto *at = static_cast<const char *>(address);
  return at >= __ehdr_start && at < _end;
}

bool isLibvirtCode(const void *address) {
  auto at = reinterpret_cast<uintptr_t>(address);
  if (isShimCode(address)) return true;
  if (const Owner *owner = knownOwner(at)) return owner->libvirt;
  OwnerRequest request = {at, 0, 0, false};
  dl_iterate_phdr(findOwner, &request);
  if (request.end) addOwner(request.begin, request.end, request.libvirt);
  return request.libvirt;
}

}  // namespace virtshim
