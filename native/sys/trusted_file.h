// Reading a file that decides what a process may do: only one that nobody else could have written.
#pragma once

#include <cstddef>
#include <cstdint>

namespace virtshim {

struct TrustedFile {
  uint8_t *data;  // malloc'd, the caller's to free; nullptr where reading failed
  size_t size;
  char why[256];  // why reading failed, for people: lower-case, no period; "" on success
};

// Reads the whole file at `path`, which must be absolute, regular, at most `limit` bytes long, owned by root or the
// effective user and writable by its owner only; so must every folder on the way be (or sticky, as /tmp is).
// The bytes are copied: a mapping could be cut short under the process. errno is preserved.
TrustedFile readTrustedFile(const char *path, size_t limit);

}  // namespace virtshim
