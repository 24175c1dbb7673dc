// Memory straight from the kernel. The host's malloc may be its own, may be inside one of its locks when a signal
// handler calls libvirt, and may not be usable in a child of a program with threads.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace virtshim {

// Zeroed; nullptr where there is no memory. Only what is touched counts.
inline void *allocatePages(size_t size) {
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

// Keeps the contents, may move them. nullptr where there is no memory: the old block is then as it was.
inline void *growPages(void *old, size_t oldSize, size_t newSize) {
  void *memory = mremap(old, oldSize, newSize, MREMAP_MAYMOVE);
  return memory == MAP_FAILED ? nullptr : memory;
}

inline void freePages(void *memory, size_t size) {
  if (memory) munmap(memory, size);
}

template <typename T>
T *newOnPages() {
  void *memory = allocatePages(sizeof(T));
  return memory ? new (memory) T : nullptr;
}

template <typename T>
void deleteOnPages(T *object) {
  if (!object) return;
  object->~T();
  freePages(object, sizeof(T));
}

}  // namespace virtshim
