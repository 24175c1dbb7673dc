// A growable run of bytes that is used again for every record of a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sys/pages.h"

namespace virtshim::audit {

// After an allocation fails, appends do nothing and ok() is false until clear().
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() { freePages(data_, capacity_); }

  char *data() { return data_; }
  size_t size() const { return size_; }
  bool ok() const { return ok_; }
  std::string_view view(size_t from = 0) const { return {data_ + from, size_ - from}; }

  void clear() {
    size_ = 0;
    ok_ = true;
  }

  void fail() { ok_ = false; }

  void cutTo(size_t size) { size_ = size; }  // not more than there is

  // Gives memory back that one huge record needed.
  void shrink(size_t keep) {
    if (capacity_ <= keep) return;
    freePages(data_, capacity_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

  // Room for `more` bytes at the end, to be taken with advance(); nullptr where there is no memory.
  char *reserve(size_t more) {
    if (!ok_) return nullptr;
    if (capacity_ - size_ < more && !grow(more)) return nullptr;
    return data_ + size_;
  }

  void advance(size_t used) { size_ += used; }

  void append(std::string_view text) {
    char *end = reserve(text.size());
    if (!end || text.empty()) return;
    memcpy(end, text.data(), text.size());
    size_ += text.size();
  }

  void append(char c) {
    if (char *end = reserve(1)) {
      *end = c;
      size_++;
    }
  }

  void appendUnsigned(uint64_t value);
  void appendSigned(int64_t value);
  void appendHex(uint64_t value);       // 16 lower-case digits
  void appendHexShort(uint64_t value);  // without leading zeros

 private:
  bool grow(size_t more) {
    size_t capacity = capacity_ ? capacity_ * 2 : kFirst;
    while (capacity - size_ < more) capacity *= 2;
    void *bigger = data_ ? growPages(data_, capacity_, capacity) : allocatePages(capacity);
    if (!bigger) return ok_ = false;
    data_ = static_cast<char *>(bigger);
    capacity_ = capacity;
    return true;
  }

  static constexpr size_t kFirst = 16 * 1024;
  char *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool ok_ = true;
};

inline void Buffer::appendUnsigned(uint64_t value) {
  char digits[20];
  int at = 20;
  do digits[--at] = static_cast<char>('0' + value % 10);
  while (value /= 10);
  append(std::string_view(digits + at, 20 - at));
}

inline void Buffer::appendSigned(int64_t value) {
  if (value < 0) append('-');
  appendUnsigned(value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
}

inline void Buffer::appendHex(uint64_t value) {
  char *end = reserve(16);
  if (!end) return;
  for (int i = 0; i < 16; i++) end[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
  size_ += 16;
}

inline void Buffer::appendHexShort(uint64_t value) {
  int digits = 1;
  while (digits < 16 && value >> (4 * digits)) digits++;
  for (int i = digits - 1; i >= 0; i--) append("0123456789abcdef"[value >> (4 * i) & 15]);
}

}  // namespace virtshim::audit
