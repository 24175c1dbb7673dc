// Files that the shim keeps inside other people's processes: made safely, recognised again before each use.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace virtshim {

struct FileId {
  uint64_t device;
  uint64_t inode;
  bool operator==(const FileId &other) const { return device == other.device && inode == other.inode && inode != 0; }
  bool operator!=(const FileId &other) const { return !(*this == other); }
};

FileId fileIdOf(int fd);  // {0, 0} where the descriptor is not open; equal to nothing, itself included

struct FileStatus {
  FileId id;
  uint64_t size;
  uint64_t links;
};

// False where the descriptor is not open.
bool statusOf(int fd, FileStatus *out);

// True where the path names another file than this one by now, or none. A program that gave up the rights to look, or
// that went into a chroot, cannot tell: it keeps what it has open.
bool namesAnother(const char *path, const FileId &id);

// True where the path certainly names this file.
bool namesThis(const char *path, const FileId &id);

// Moves a descriptor to 700 or above (lower where the limit is lower), so that the host's own numbers stay what they
// would have been. Always close-on-exec. Returns the new descriptor, or the old one where no number is free.
int moveHigh(int fd);

// Why an open failed: `error` is an errno, `detail` a fixed English phrase or nullptr.
struct OpenFailure {
  int error;
  const char *detail;
};

// Opens the folder for a trail and makes it, and folders that lead to it, where they are missing. Every folder from /
// on must belong to root or to our effective user and must not be writable by others unless sticky; the last one must
// not be writable by its group either. Symbolic links are followed where they belong to root or to us.
// Returns a descriptor (not moved high) or -1.
int openPrivateFolder(const char *path, bool groupReadable, OpenFailure *failure);

// Opens (and with O_CREAT makes) a regular file in a folder: no symbolic link, one name, owned by root or by us.
// The descriptor is high and close-on-exec. Returns -1 on failure. *created tells whether the file is new.
int openPrivateFile(int folder, const char *name, int flags, bool groupReadable, bool *created, OpenFailure *failure);

// The same for what several users may share: where the folder's group may write to it, whoever is in the group is
// trusted with the files, whose group may write to them, too. Where only its owner may, nothing differs.
int openSharedFolder(const char *path, OpenFailure *failure);
int openSharedFile(int folder, const char *name, int flags, OpenFailure *failure);

// Appends all of `data` with as few calls as possible to a file that was opened with O_APPEND; the descriptor's
// position stays as it is. No signal ever comes of it. Returns bytes written; *error is the errno where that is less
// than `size`. A cancellation point.
size_t appendQuietly(int fd, const void *data, size_t size, int *error);

// Where a file size limit exists, the write that crosses it raises SIGXFSZ, which kills by default. While one of these
// lives the signal is blocked for this thread; what was raised is taken off its queue again at the end, unless the host
// had one pending itself.
class NoSigxfsz {
 public:
  NoSigxfsz();
  ~NoSigxfsz();
  NoSigxfsz(const NoSigxfsz &) = delete;
  NoSigxfsz &operator=(const NoSigxfsz &) = delete;

 private:
  sigset_t set_, old_;
  bool hadOne_;
};

}  // namespace virtshim
