#include "libvirt/learned_field.h"

#include <cstring>

namespace virtshim {
namespace {

constexpr uint16_t kUnusable = 0xffff;
constexpr int kConfirmations = 3;
// The header that every libvirt object starts with is not searched; libvirt's own fields follow it closely.
constexpr size_t kFirst = 16, kLast = 64, kStep = 4;

uint16_t pack(size_t offset, int confirmations) { return static_cast<uint16_t>(offset | confirmations << 8); }

bool isZero(const void *field, size_t size) {
  auto *bytes = static_cast<const char *>(field);
  for (size_t i = 0; i < size; i++) {
    if (bytes[i]) return false;
  }
  return true;
}

size_t findOffset(const void *object, const void *field, size_t size) {
  for (size_t offset = kFirst; offset <= kLast; offset += kStep) {
    if (memcmp(static_cast<const char *>(object) + offset, field, size) == 0) return offset;
  }
  return 0;
}

}  // namespace

bool LearnedField::read(const void *object, void *field, size_t size) const {
  uint16_t state = state_.load(std::memory_order_relaxed);
  if (state == kUnusable || state >> 8 < kConfirmations) return false;
  memcpy(field, static_cast<const char *>(object) + (state & 0xff), size);
  return true;
}

void LearnedField::learn(const void *object, const void *field, size_t size) {
  uint16_t state = state_.load(std::memory_order_relaxed);
  // Zeros could be found anywhere.
  if (state == kUnusable || isZero(field, size)) return;
  size_t offset = findOffset(object, field, size);
  bool same = offset && (state == 0 || (state & 0xff) == offset);
  state_.store(same ? pack(offset, (state >> 8) + 1) : kUnusable, std::memory_order_relaxed);
}

}  // namespace virtshim
