#include "sys/trusted_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "sys/errno_guard.h"

namespace virtshim {
namespace {

bool fail(TrustedFile *file, const char *what, const char *path) {
  snprintf(file->why, sizeof file->why, "%s: `%.160s`", what, path);
  return false;
}

bool ownedByUs(const struct stat &status) { return status.st_uid == 0 || status.st_uid == geteuid(); }
bool othersMayWrite(const struct stat &status) { return status.st_mode & (S_IWGRP | S_IWOTH); }

// Whoever may write to a folder on the way may put another file in place, unless the folder is sticky.
bool checkFolders(TrustedFile *file, const char *path) {
  char prefix[PATH_MAX];
  for (size_t i = 0; path[i]; i++) {
    if (path[i] != '/') continue;
    size_t length = i ? i : 1;
    memcpy(prefix, path, length);
    prefix[length] = 0;
    struct stat status;
    if (lstat(prefix, &status) != 0) return fail(file, strerror(errno), prefix);
    if (!ownedByUs(status)) return fail(file, "a folder on the way belongs to another user", prefix);
    if (othersMayWrite(status) && !(status.st_mode & S_ISVTX))
      return fail(file, "others may write to a folder on the way", prefix);
  }
  return true;
}

bool checkFile(TrustedFile *file, const char *path, int fd, size_t limit, size_t *size) {
  struct stat status;
  if (fstat(fd, &status) != 0) return fail(file, strerror(errno), path);
  if (!S_ISREG(status.st_mode)) return fail(file, "not a regular file", path);
  if (!ownedByUs(status)) return fail(file, "the file belongs to another user", path);
  if (othersMayWrite(status)) return fail(file, "others may write to the file, chmod go-w it", path);
  if (static_cast<size_t>(status.st_size) > limit) return fail(file, "the file is too large", path);
  *size = static_cast<size_t>(status.st_size);
  return true;
}

bool readAll(TrustedFile *file, const char *path, int fd, size_t size) {
  // memcmp may look at up to 64 bytes at once and mask what is behind. Where that is no memory at all, the processor
  // gets it right and takes five times as long.
  constexpr size_t kSlack = 64;
  file->data = static_cast<uint8_t *>(malloc(size + kSlack));
  if (!file->data) return fail(file, strerror(ENOMEM), path);
  while (file->size < size) {
    ssize_t got = read(fd, file->data + file->size, size - file->size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(file, strerror(errno), path);
    if (got == 0) break;
    file->size += static_cast<size_t>(got);
  }
  return true;
}

bool readInto(TrustedFile *file, const char *path, size_t limit) {
  if (path[0] != '/') return fail(file, "the path is not absolute", path);
  char real[PATH_MAX];
  if (!realpath(path, real)) return fail(file, strerror(errno), path);
  if (!checkFolders(file, real)) return false;
  // O_NONBLOCK: opening a FIFO must not hang the host program.
  int fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return fail(file, strerror(errno), path);
  size_t size = 0;
  bool ok = checkFile(file, path, fd, limit, &size) && readAll(file, path, fd, size);
  close(fd);
  return ok;
}

}  // namespace

TrustedFile readTrustedFile(const char *path, size_t limit) {
  ErrnoGuard guard;
  TrustedFile file = {};
  if (!readInto(&file, path, limit)) {
    free(file.data);
    file.data = nullptr;
  }
  return file;
}

}  // namespace virtshim
