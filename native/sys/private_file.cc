#include "sys/private_file.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "sys/clock.h"
#include "sys/errno_guard.h"

namespace virtshim {
namespace {

constexpr int kMaxLinks = 40;

bool trusted(const struct stat &status) { return status.st_uid == 0 || status.st_uid == geteuid(); }

const char *checkFolder(const struct stat &status, bool last, mode_t writable) {
  if (!trusted(status)) return "a folder on the way belongs to another user";
  if (last && (status.st_mode & (S_IWGRP | S_IWOTH) & ~writable)) return "the folder is writable by others";
  if (!last && (status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX))
    return "a folder on the way is writable by all";
  return nullptr;
}

// Walks a path one name at a time, so that what was checked is what is used.
class Walk {
 public:
  // Of those that are made; `writable`: who besides the owner may write to the last one.
  Walk(mode_t mode, mode_t writable, OpenFailure *failure) : mode_(mode), writable_(writable), failure_(failure) {}
  ~Walk() {
    if (at_ >= 0) close(at_);
  }

  int run(const char *path) {
    if (!start(path)) return -1;
    while (*rest_)
      if (!step()) return -1;
    if (const char *why = checkFolder(status_, true, writable_)) return fail(EPERM, why);
    int folder = open_(".");
    return folder >= 0 ? folder : fail(errno, nullptr);
  }

 private:
  int fail(int error, const char *detail) {
    *failure_ = {error, detail};
    return -1;
  }

  int open_(const char *name) { return openat(at_, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

  bool start(const char *path) {
    if (strlen(path) >= sizeof buffer_) return fail(ENAMETOOLONG, nullptr) == 0;
    strcpy(buffer_, path);
    rest_ = buffer_;
    return *path == '/' ? restart("/") : restart(".");
  }

  bool restart(const char *from) {
    int fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    return look(fd, &status) && moveTo(fd, status);
  }

  // Closes what it cannot look at.
  bool look(int fd, struct stat *status) {
    if (fd >= 0 && fstat(fd, status) == 0) return true;
    fail(errno, nullptr);
    if (fd >= 0) close(fd);
    return false;
  }

  bool moveTo(int fd, const struct stat &status) {
    if (!S_ISDIR(status.st_mode)) {
      close(fd);
      return fail(ENOTDIR, nullptr) == 0;
    }
    if (at_ >= 0) close(at_);
    at_ = fd;
    status_ = status;
    return true;
  }

  bool step() {
    while (*rest_ == '/') rest_++;
    if (!*rest_) return true;
    size_t length = strcspn(rest_, "/");
    char name[NAME_MAX + 1];
    if (length > NAME_MAX) return fail(ENAMETOOLONG, nullptr) == 0;
    memcpy(name, rest_, length);
    name[length] = 0;
    rest_ += length;
    if (const char *why = checkFolder(status_, false, 0)) return fail(EPERM, why) == 0;
    return enter(name);
  }

  bool enter(const char *name) {
    int fd = openat(at_, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
      if (mkdirat(at_, name, mode_) != 0 && errno != EEXIST) return fail(errno, nullptr) == 0;
      fd = openat(at_, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    struct stat status;
    if (!look(fd, &status)) return false;
    if (S_ISLNK(status.st_mode)) return follow(fd, status);
    return moveTo(fd, status);
  }

  bool follow(int link, const struct stat &status) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(link, "", target, sizeof target - 1);
    close(link);
    if (length <= 0) return fail(ELOOP, nullptr) == 0;
    if (!trusted(status)) return fail(EPERM, "a link on the way belongs to another user") == 0;
    if (++links_ > kMaxLinks) return fail(ELOOP, nullptr) == 0;
    size_t restLength = strlen(rest_);
    if (static_cast<size_t>(length) + 1 + restLength >= sizeof buffer_) return fail(ENAMETOOLONG, nullptr) == 0;
    memmove(buffer_ + length + 1, rest_, restLength + 1);
    memcpy(buffer_, target, static_cast<size_t>(length));
    buffer_[length] = '/';
    rest_ = buffer_;
    return target[0] == '/' ? restart("/") : true;
  }

  mode_t mode_;
  mode_t writable_;
  OpenFailure *failure_;
  char buffer_[PATH_MAX];
  const char *rest_ = nullptr;
  int at_ = -1;
  int links_ = 0;
  struct stat status_ {};
};

const char *checkFile(const struct stat &status, bool shared) {
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  if (status.st_nlink != 1) return "the file has several names";
  if (!shared && !trusted(status)) return "the file belongs to another user";
  if (status.st_mode & (S_IWOTH | (shared ? 0 : S_IWGRP))) return "the file is writable by others";
  return nullptr;
}

int openFile(int folder, const char *name, int flags, mode_t mode, bool *created, OpenFailure *failure) {
  ErrnoGuard guard;
  int safe = (flags & ~(O_CREAT | O_EXCL)) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int fd = -1;
  *created = false;
  for (int attempt = 0; attempt < 8 && fd < 0; attempt++) {
    fd = openat(folder, name, safe);
    if (fd >= 0 || errno != ENOENT || !(flags & O_CREAT)) break;
    fd = openat(folder, name, safe | O_CREAT | O_EXCL, mode);
    if (fd >= 0)
      *created = true;
    else if (errno != EEXIST)
      break;
  }
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) {
    *failure = {errno, nullptr};
    if (fd >= 0) close(fd);
    return -1;
  }
  if (const char *why = checkFile(status, mode & S_IWGRP)) {
    *failure = {EPERM, why};
    close(fd);
    return -1;
  }
  if (*created) fchmod(fd, mode);  // the host's umask is not ours to rely on
  return moveHigh(fd);
}

constexpr unsigned kWanted = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_NLINK;

// statx, not fstat: asking for the times makes the next write to the file half as dear again (they must then be exact).
bool query(int fd, const char *path, int flags, FileStatus *out) {
  struct statx status;
  if (statx(fd, path, flags | AT_NO_AUTOMOUNT, kWanted, &status) != 0) return false;
  *out = {{static_cast<uint64_t>(status.stx_dev_major) << 32 | status.stx_dev_minor, status.stx_ino},
          status.stx_size,
          status.stx_nlink};
  return true;
}

// Whether this process changed its root since this was first asked.
bool rootChanged() {
  static std::atomic<uint64_t> device{0}, inode{0};
  FileStatus status;
  if (!query(AT_FDCWD, "/", 0, &status)) return true;
  uint64_t none = 0;
  if (inode.compare_exchange_strong(none, status.id.inode)) device.store(status.id.device);
  return FileId{device.load(), inode.load()} != status.id;
}

// Asked again every second only: a system call at each write would be a fifth of what a record costs.
bool sizeLimited() {
  static std::atomic<int64_t> nextAskMs{0};
  static std::atomic<bool> limited{false};
  int64_t now = monotonicCoarseMs();
  if (now >= nextAskMs.load(std::memory_order_relaxed)) {
    struct rlimit limit;
    limited.store(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY, std::memory_order_relaxed);
    nextAskMs.store(now + 1000, std::memory_order_relaxed);
  }
  return limited.load(std::memory_order_relaxed);
}

// Linux appends with pwrite, too, wherever it is told to write; unlike write it does not move the position.
ssize_t appendOnce(int fd, const char *data, size_t size) {
  ssize_t wrote;
  do wrote = pwrite(fd, data, size, 0);
  while (wrote < 0 && errno == EINTR);
  return wrote;
}

size_t appendAll(int fd, const char *data, size_t size, int *error) {
  size_t done = 0;
  while (done < size) {
    ssize_t wrote = appendOnce(fd, data + done, size - done);
    if (wrote <= 0) {
      *error = wrote < 0 ? errno : EIO;
      return done;
    }
    done += static_cast<size_t>(wrote);
  }
  return done;
}

}  // namespace

FileId fileIdOf(int fd) {
  FileStatus status;
  return statusOf(fd, &status) ? status.id : FileId{0, 0};
}

bool statusOf(int fd, FileStatus *out) {
  ErrnoGuard guard;
  return fd >= 0 && query(fd, "", AT_EMPTY_PATH, out);
}

bool namesAnother(const char *path, const FileId &id) {
  ErrnoGuard guard;
  FileStatus status;
  if (rootChanged()) return false;
  if (!query(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &status)) return errno != EACCES;
  return status.id != id;
}

bool namesThis(const char *path, const FileId &id) {
  ErrnoGuard guard;
  FileStatus status;
  return !rootChanged() && query(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &status) && status.id == id;
}

int moveHigh(int fd) {
  ErrnoGuard guard;
  static constexpr int kFloors[] = {700, 240, 100, 40};
  for (int floor : kFloors) {
    int high = fcntl(fd, F_DUPFD_CLOEXEC, floor);
    if (high < 0) continue;
    close(fd);
    return high;
  }
  return fd;
}

int openPrivateFolder(const char *path, bool groupReadable, OpenFailure *failure) {
  ErrnoGuard guard;
  return Walk(groupReadable ? 0750 : 0700, 0, failure).run(path);
}

int openSharedFolder(const char *path, OpenFailure *failure) {
  ErrnoGuard guard;
  return Walk(0700, S_IWGRP, failure).run(path);
}

int openPrivateFile(int folder, const char *name, int flags, bool groupReadable, bool *created, OpenFailure *failure) {
  return openFile(folder, name, flags, groupReadable ? 0640 : 0600, created, failure);
}

int openSharedFile(int folder, const char *name, int flags, OpenFailure *failure) {
  struct stat status;
  bool created;
  const bool shared = fstat(folder, &status) == 0 && (status.st_mode & S_IWGRP);
  return openFile(folder, name, flags, shared ? 0660 : 0600, &created, failure);
}

size_t appendQuietly(int fd, const void *data, size_t size, int *error) {
  auto *bytes = static_cast<const char *>(data);
  size_t done = 0;
  *error = 0;
  if (!sizeLimited()) {
    ssize_t wrote = appendOnce(fd, bytes, size);
    if (wrote < 0) *error = errno;
    if (wrote < 0 || static_cast<size_t>(wrote) == size) return wrote < 0 ? 0 : size;
    // Cut short, by a limit that was set since the last look perhaps: the next write would raise the signal.
    done = static_cast<size_t>(wrote);
  }
  NoSigxfsz quiet;
  return done + appendAll(fd, bytes + done, size - done, error);
}

NoSigxfsz::NoSigxfsz() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGXFSZ);
  sigset_t pending;
  sigpending(&pending);
  hadOne_ = sigismember(&pending, SIGXFSZ) == 1;
  pthread_sigmask(SIG_BLOCK, &set_, &old_);
}

NoSigxfsz::~NoSigxfsz() {
  ErrnoGuard guard;
  timespec none{};
  if (!hadOne_)
    while (sigtimedwait(&set_, nullptr, &none) < 0 && errno == EINTR) continue;
  pthread_sigmask(SIG_SETMASK, &old_, nullptr);
}

}  // namespace virtshim
