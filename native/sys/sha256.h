// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104). No allocation, no failure; uses the SHA extensions where the
// processor has them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace virtshim {

constexpr size_t kSha256Size = 32;

// Running hash: update() any number of times, then final() once.
struct Sha256 {
  Sha256() { reset(); }
  void reset();
  void update(const void *data, size_t size);
  void final(uint8_t out[kSha256Size]);

 private:
  uint32_t state_[8];
  uint64_t total_;
  uint8_t block_[64];
};

void sha256(const void *data, size_t size, uint8_t out[kSha256Size]);
void hmacSha256(const void *key, size_t keySize, const void *data, size_t size, uint8_t out[kSha256Size]);

// Lower-case hex of `size` bytes; writes 2 * size characters, no NUL.
void hexLower(const uint8_t *bytes, size_t size, char *out);

namespace detail {
// The portable rounds, for tests that compare both paths on one machine.
void sha256BlocksPortable(uint32_t state[8], const uint8_t *data, size_t blocks);
bool sha256Accelerated();
}  // namespace detail

}  // namespace virtshim
