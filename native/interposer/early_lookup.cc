#include "interposer/early_lookup.h"

#ifdef VIRTSHIM_SANITIZED

#include <link.h>

#include <cstddef>
#include <cstdint>

namespace virtshim {
namespace {

VIRTSHIM_UNINSTRUMENTED bool isPrefix(const char *prefix, const char *text) {
  while (*prefix && *prefix == *text) prefix++, text++;
  return *prefix == 0;
}

VIRTSHIM_UNINSTRUMENTED bool isSame(const char *a, const char *b) { return isPrefix(a, b) && isPrefix(b, a); }

VIRTSHIM_UNINSTRUMENTED const char *fileName(const char *path) {
  const char *name = path;
  for (; *path; path++) {
    if (*path == '/') name = path + 1;
  }
  return name;
}

// In every library of the C library the names follow the symbols: that bounds them without a look at the hash table.
VIRTSHIM_UNINSTRUMENTED void *findInObject(const link_map *object, const char *name) {
  const ElfW(Sym) *symbols = nullptr;
  const char *strings = nullptr;
  for (const ElfW(Dyn) *entry = object->l_ld; entry->d_tag != DT_NULL; entry++) {
    if (entry->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym) *>(entry->d_un.d_ptr);
    if (entry->d_tag == DT_STRTAB) strings = reinterpret_cast<const char *>(entry->d_un.d_ptr);
  }
  auto *end = reinterpret_cast<const ElfW(Sym) *>(strings);
  for (; symbols && symbols < end; symbols++) {
    if (symbols->st_shndx != SHN_UNDEF && isSame(strings + symbols->st_name, name))
      return reinterpret_cast<void *>(object->l_addr + symbols->st_value);
  }
  return nullptr;
}

}  // namespace

VIRTSHIM_UNINSTRUMENTED void *findEarly(const char *prefix, const char *name) {
  for (const link_map *object = _r_debug.r_map; object; object = object->l_next) {
    if (object->l_name && isPrefix(prefix, fileName(object->l_name))) return findInObject(object, name);
  }
  return nullptr;
}

}  // namespace virtshim

#endif
