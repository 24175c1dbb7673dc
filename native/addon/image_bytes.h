// The bytes of an image that JavaScript holds, aligned as the evaluator wants them.
#pragma once

#include <napi.h>

#include <cstring>
#include <vector>

#include "policy/policy.h"

namespace virtshim::addon {

// Copies only where the buffer is not aligned; else the buffer must outlive this.
class ImageBytes {
 public:
  explicit ImageBytes(const Napi::Uint8Array &array) : data_(array.Data()), size_(array.ByteLength()) {
    if (reinterpret_cast<uintptr_t>(data_) % alignof(uint64_t) == 0) return;
    copy_.resize((size_ + sizeof(uint64_t) - 1) / sizeof(uint64_t));
    memcpy(copy_.data(), data_, size_);
    data_ = reinterpret_cast<const uint8_t *>(copy_.data());
  }

  policy::ImageError load(policy::Policy *out) const { return policy::Policy::load(data_, size_, out); }

 private:
  const uint8_t *data_;
  size_t size_;
  std::vector<uint64_t> copy_;
};

}  // namespace virtshim::addon
