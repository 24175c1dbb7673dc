// Known answers of FIPS 180-4 and RFC 4231, every split of an input, and both code paths against each other.
#include <cstdio>
#include <cstring>

#include "sys/sha256.h"

namespace {

int g_failures = 0;

void expect(bool ok, const char *what) {
  if (ok) return;
  printf("FAIL %s\n", what);
  g_failures++;
}

void expectHash(const void *data, size_t size, const char *hex, const char *what) {
  uint8_t out[32];
  char text[64];
  virtshim::sha256(data, size, out);
  virtshim::hexLower(out, 32, text);
  expect(memcmp(text, hex, 64) == 0, what);
}

void knownAnswers() {
  expectHash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "empty");
  expectHash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
  expectHash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "two blocks");
  static char million[1000000];
  memset(million, 'a', sizeof million);
  expectHash(million, sizeof million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "million");
}

void hmacAnswers() {
  uint8_t key[131], out[32];
  char text[64];
  memset(key, 0x0b, 20);
  virtshim::hmacSha256(key, 20, "Hi There", 8, out);
  virtshim::hexLower(out, 32, text);
  expect(memcmp(text, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 64) == 0, "hmac case 1");
  memset(key, 0xaa, sizeof key);
  const char *large = "Test Using Larger Than Block-Size Key - Hash Key First";
  virtshim::hmacSha256(key, sizeof key, large, strlen(large), out);
  virtshim::hexLower(out, 32, text);
  expect(memcmp(text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 64) == 0, "hmac case 6");
}

void everySplit() {
  uint8_t data[200], whole[32], split[32];
  for (size_t i = 0; i < sizeof data; i++) data[i] = static_cast<uint8_t>(i * 37 + 11);
  for (size_t size = 0; size <= sizeof data; size++) {
    virtshim::sha256(data, size, whole);
    for (size_t cut = 0; cut <= size; cut += 7) {
      virtshim::Sha256 hash;
      hash.update(data, cut);
      hash.update(data + cut, size - cut);
      hash.final(split);
      expect(memcmp(whole, split, 32) == 0, "split");
    }
  }
}

// sha256() pads "abc" itself; the portable rounds get the same padded block here.
void portableRounds() {
  uint8_t block[64] = {'a', 'b', 'c', 0x80};
  block[63] = 24;
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  virtshim::detail::sha256BlocksPortable(state, block, 1);
  const uint32_t want[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                            0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
  expect(memcmp(state, want, sizeof want) == 0, "portable rounds");
}

}  // namespace

int main() {
  knownAnswers();
  hmacAnswers();
  everySplit();
  portableRounds();
  printf("%s accelerated=%d\n", g_failures ? "failed" : "ok", virtshim::detail::sha256Accelerated());
  return g_failures != 0;
}
