#include "sys/sha256.h"

#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/platform/x86.h>
#endif

namespace virtshim {
namespace {

constexpr size_t kBlock = 64;

alignas(16) constexpr uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

inline uint32_t rotr(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }

inline uint32_t loadBe(const uint8_t *p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 | static_cast<uint32_t>(p[2]) << 8 |
         p[3];
}

inline void storeBe(uint8_t *p, uint32_t v) {
  p[0] = static_cast<uint8_t>(v >> 24);
  p[1] = static_cast<uint8_t>(v >> 16);
  p[2] = static_cast<uint8_t>(v >> 8);
  p[3] = static_cast<uint8_t>(v);
}

void schedule(const uint8_t *data, uint32_t w[64]) {
  for (int i = 0; i < 16; i++) w[i] = loadBe(data + 4 * i);
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
}

void compress(uint32_t state[8], const uint8_t *data) {
  uint32_t w[64];
  schedule(data, w);
  uint32_t v[8];
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
    uint32_t choose = (v[4] & v[5]) ^ (~v[4] & v[6]);
    uint32_t t1 = v[7] + s1 + choose + kRound[i] + w[i];
    uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
    uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    memmove(v + 1, v, 7 * sizeof v[0]);
    v[4] += t1;
    v[0] = t1 + s0 + majority;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

#if defined(__x86_64__)

// What the C library found out at the start: each question to the processor itself leaves a virtual machine for its
// host.
bool cpuHasSha() { return CPU_FEATURE_ACTIVE(SHA) && CPU_FEATURE_ACTIVE(SSSE3) && CPU_FEATURE_ACTIVE(SSE4_1); }

__attribute__((target("sha,ssse3,sse4.1"))) void blocksSha(uint32_t state[8], const uint8_t *data, size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  // The instructions want the eight words as A,B,E,F and C,D,G,H.
  __m128i abcd = _mm_loadu_si128(reinterpret_cast<const __m128i *>(state));
  __m128i efgh = _mm_loadu_si128(reinterpret_cast<const __m128i *>(state + 4));
  __m128i badc = _mm_shuffle_epi32(abcd, 0xb1);
  __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
  for (; blocks; blocks--, data += kBlock) {
    const __m128i abef0 = abef, cdgh0 = cdgh;
    __m128i m[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
      m[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(data) + i), swap);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
      __m128i words = m[i & 3];
      if (i >= 4) {
        const __m128i newest = m[(i + 3) & 3];
        const __m128i sum =
            _mm_add_epi32(_mm_sha256msg1_epu32(words, m[(i + 1) & 3]), _mm_alignr_epi8(newest, m[(i + 2) & 3], 4));
        words = m[i & 3] = _mm_sha256msg2_epu32(sum, newest);
      }
      __m128i input = _mm_add_epi32(words, _mm_load_si128(reinterpret_cast<const __m128i *>(kRound) + i));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef0);
    cdgh = _mm_add_epi32(cdgh, cdgh0);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i *>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#endif

using Blocks = void (*)(uint32_t[8], const uint8_t *, size_t);

void blocksFirst(uint32_t state[8], const uint8_t *data, size_t blocks);
std::atomic<Blocks> g_blocks{blocksFirst};

// Chooses on first use, so that no constructor has to run before the first hash.
void blocksFirst(uint32_t state[8], const uint8_t *data, size_t blocks) {
  Blocks chosen = detail::sha256BlocksPortable;
#if defined(__x86_64__)
  if (cpuHasSha()) chosen = blocksSha;
#endif
  g_blocks.store(chosen, std::memory_order_relaxed);
  chosen(state, data, blocks);
}

inline void run(uint32_t state[8], const uint8_t *data, size_t blocks) {
  if (blocks) g_blocks.load(std::memory_order_relaxed)(state, data, blocks);
}

}  // namespace

namespace detail {

void sha256BlocksPortable(uint32_t state[8], const uint8_t *data, size_t blocks) {
  for (; blocks; blocks--, data += kBlock) compress(state, data);
}

bool sha256Accelerated() {
#if defined(__x86_64__)
  return cpuHasSha();
#else
  return false;
#endif
}

}  // namespace detail

void Sha256::reset() {
  static constexpr uint32_t kInitial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(state_, kInitial, sizeof state_);
  total_ = 0;
}

void Sha256::update(const void *data, size_t size) {
  const uint8_t *p = static_cast<const uint8_t *>(data);
  if (size == 0) return;
  size_t used = total_ % kBlock;
  total_ += size;
  if (used) {
    size_t take = size < kBlock - used ? size : kBlock - used;
    memcpy(block_ + used, p, take);
    if (used + take < kBlock) return;
    run(state_, block_, 1);
    p += take;
    size -= take;
  }
  run(state_, p, size / kBlock);
  memcpy(block_, p + size / kBlock * kBlock, size % kBlock);
}

void Sha256::final(uint8_t out[kSha256Size]) {
  size_t used = total_ % kBlock;
  block_[used++] = 0x80;
  if (used > kBlock - 8) {
    memset(block_ + used, 0, kBlock - used);
    run(state_, block_, 1);
    used = 0;
  }
  memset(block_ + used, 0, kBlock - 8 - used);
  storeBe(block_ + 56, static_cast<uint32_t>(total_ >> 29));
  storeBe(block_ + 60, static_cast<uint32_t>(total_ << 3));
  run(state_, block_, 1);
  for (int i = 0; i < 8; i++) storeBe(out + 4 * i, state_[i]);
}

void sha256(const void *data, size_t size, uint8_t out[kSha256Size]) {
  Sha256 hash;
  hash.update(data, size);
  hash.final(out);
}

void hmacSha256(const void *key, size_t keySize, const void *data, size_t size, uint8_t out[kSha256Size]) {
  uint8_t pad[kBlock] = {};
  if (keySize > kBlock)
    sha256(key, keySize, pad);
  else if (keySize)
    memcpy(pad, key, keySize);
  for (uint8_t &byte : pad) byte ^= 0x36;
  Sha256 inner;
  inner.update(pad, sizeof pad);
  inner.update(data, size);
  inner.final(out);
  for (uint8_t &byte : pad) byte ^= 0x36 ^ 0x5c;
  Sha256 outer;
  outer.update(pad, sizeof pad);
  outer.update(out, kSha256Size);
  outer.final(out);
}

void hexLower(const uint8_t *bytes, size_t size, char *out) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is the low byte of a word");
  static constexpr char kDigits[] = "0123456789abcdef";
  using Eight = uint8_t __attribute__((vector_size(8)));
  using Words = uint16_t __attribute__((vector_size(16)));
  using Text = uint8_t __attribute__((vector_size(16)));
  size_t at = 0;
  for (; at + sizeof(Eight) <= size; at += sizeof(Eight)) {
    Eight eight;
    memcpy(&eight, bytes + at, sizeof eight);
    const Words words = __builtin_convertvector(eight, Words);
    const Text digits = reinterpret_cast<Text>(words >> 4 | (words & 15) << 8);
    const Text text = digits + '0' + ((digits > 9) & ('a' - '0' - 10));
    memcpy(out + 2 * at, &text, sizeof text);
  }
  for (; at < size; at++) {
    out[2 * at] = kDigits[bytes[at] >> 4];
    out[2 * at + 1] = kDigits[bytes[at] & 15];
  }
}

}  // namespace virtshim
