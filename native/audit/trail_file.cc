#include "audit/trail_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "audit/chain.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/errno_guard.h"
#include "sys/pages.h"

namespace virtshim::audit {
namespace {

constexpr int64_t kPathCheckNs = 1000000000;
constexpr int64_t kTrustNs = 20 * 1000;
constexpr int64_t kLookNs = 1000 * 1000;
constexpr uint64_t kMaxTail = 64 * 1024 * 1024;  // how far back a repair reads

// The file's bytes from `from` to `to`, to be freed with freePages; nullptr where they cannot be had.
char *readRange(int fd, uint64_t from, uint64_t to) {
  size_t size = static_cast<size_t>(to - from);
  char *bytes = static_cast<char *>(allocatePages(size + 1));
  if (!bytes) return nullptr;
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(fd, bytes + done, size - done, static_cast<off_t>(from + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      freePages(bytes, size + 1);
      return nullptr;
    }
    done += static_cast<size_t>(got);
  }
  return bytes;
}

// Gives the descriptor a position that no other file's has: far behind any file's end, and random. Appends leave it
// alone. 0 where the file system does not take such positions.
uint64_t markDescriptor(int fd) {
  uint32_t random;
  if (!randomBytes(&random, sizeof random)) return 0;
  const uint64_t mark = (uint64_t{1} << 40) + random;
  return lseek(fd, static_cast<off_t>(mark), SEEK_SET) == static_cast<off_t>(mark) ? mark : 0;
}

bool endsInsideLine(int fd, uint64_t size) {
  char last;
  return size > 0 && pread(fd, &last, 1, static_cast<off_t>(size - 1)) == 1 && last != '\n';
}

}  // namespace

void TrailFile::configure(const char *directory, bool groupReadable) {
  directory_ = directory;
  groupReadable_ = groupReadable;
}

void TrailFile::pathOf(const char *name, char *out) const {
  size_t length = strnlen(directory_, PATH_MAX - 32);
  memcpy(out, directory_, length);
  out[length] = '/';
  strcpy(out + length + 1, name);
}

void TrailFile::close() {
  if (fd_ >= 0 && fileIdOf(fd_) == id_) ::close(fd_);
  fd_ = -1;
}

bool TrailFile::open(int64_t nowNs, FileStatus *status, OpenFailure *failure) {
  close();
  int folder = openPrivateFolder(directory_, groupReadable_, failure);
  if (folder < 0) return false;
  bool created;
  fd_ = openPrivateFile(folder, "trail.xml", O_RDWR | O_APPEND | O_CREAT, groupReadable_, &created, failure);
  due_.read(folder, fd_, nowNs);
  ::close(folder);
  if (fd_ < 0) return false;
  if (!statusOf(fd_, status)) {
    *failure = {EIO, nullptr};
    return false;
  }
  id_ = status->id;
  mark_ = markDescriptor(fd_);
  checkPath_ = false;  // which has just been followed
  return true;
}

bool TrailFile::timeToCheckPaths(int64_t nowNs) {
  if (nowNs < nextCheckNs_) return false;
  nextCheckNs_ = nowNs + kPathCheckNs;
  checkPath_ = true;
  return true;
}

bool TrailFile::stateWasReplaced(const FileId &id) const {
  char path[PATH_MAX];
  pathOf(".trail.state", path);
  return namesAnother(path, id);
}

bool TrailFile::wasRotated() {
  char path[PATH_MAX];
  pathOf("trail.xml", path);
  checkPath_ = false;
  return namesAnother(path, id_);
}

// The limits may have changed since the file was opened. Asked only where the path still leads to our file: a program
// in a chroot must not have a folder made there.
void TrailFile::readRotation(int64_t nowNs) {
  char path[PATH_MAX];
  pathOf("trail.xml", path);
  OpenFailure failure;
  int folder = namesThis(path, id_) ? openPrivateFolder(directory_, groupReadable_, &failure) : -1;
  due_.never();
  if (folder < 0) return;
  due_.read(folder, fd_, nowNs);
  ::close(folder);
}

void TrailFile::cutTo(uint64_t size) { tornTail_ = ftruncate(fd_, static_cast<off_t>(size)) != 0; }

// Takes in complete records that a writer left before it could say so, and cuts an incomplete one off.
// Returns false where what stands there does not follow from what is known.
bool TrailFile::adopt(const FileStatus &status, Position *at) {
  if (status.size - at->size > kMaxTail) return false;
  const size_t tailSize = static_cast<size_t>(status.size - at->size) + 1;
  char *tail = readRange(fd_, at->size, status.size);
  if (!tail) return false;
  std::string_view rest(tail, static_cast<size_t>(status.size - at->size));
  bool follows = true;
  while (follows) {
    size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    LineFacts facts;
    std::string_view line = rest.substr(0, end);
    follows = readLine(line, &facts) && facts.sequence == at->sequence + 1 && followsFrom(at->chain, line, facts);
    if (!follows) break;
    at->sequence = facts.sequence;
    memcpy(at->chain, facts.chain, sizeof at->chain);
    at->size += end + 1;
    rest.remove_prefix(end + 1);
  }
  if (follows && !rest.empty()) cutTo(at->size);
  freePages(tail, tailSize);
  return follows;
}

// Where nothing else is known, the chain goes on from the last whole record of the file.
bool TrailFile::takeFromLastLine(const FileStatus &status, Position *at) {
  uint64_t from = status.size > kMaxTail ? status.size - kMaxTail : 0;
  const size_t tailSize = static_cast<size_t>(status.size - from) + 1;
  char *tail = readRange(fd_, from, status.size);
  if (!tail) return false;
  std::string_view rest(tail, static_cast<size_t>(status.size - from));
  while (!rest.empty()) {
    size_t end = rest.rfind('\n');
    if (end == std::string_view::npos) break;
    size_t begin = end == 0 ? std::string_view::npos : rest.rfind('\n', end - 1);
    begin = begin == std::string_view::npos ? 0 : begin + 1;
    LineFacts facts;
    if (readLine(rest.substr(begin, end - begin), &facts)) {
      at->sequence = facts.sequence;
      memcpy(at->chain, facts.chain, sizeof at->chain);
      break;
    }
    rest = rest.substr(0, begin);
  }
  freePages(tail, tailSize);
  return true;
}

// The file is not as the last writer left it. Finds out where the trail stands and makes the end fit for a record.
bool TrailFile::reconcile(SharedState *state, bool known, const FileStatus &status, Position *at,
                          OpenFailure *failure) {
  FileStatus now = status;
  bool same = known && at->file == now.id;
  if (!known) {
    *at = Position{};
    if (!takeFromLastLine(now, at)) {
      *failure = {EIO, "the end of trail.xml cannot be read"};
      return false;
    }
  } else if (same && now.size > at->size) {
    adopt(now, at);
  }
  if (!statusOf(fd_, &now)) {
    *failure = {EIO, nullptr};
    return false;
  }
  // Shorter than it was, a new file, or lines of someone else's: the chain goes on, and `trail verify` tells.
  if (endsInsideLine(fd_, now.size)) tornTail_ = true;
  at->size = now.size;
  at->file = now.id;
  state->store(*at);
  state->countRepair();
  return true;
}

// Our descriptor, and the size that the last writer left: one question that costs half a look at the file. It is
// harmless where the host closed our descriptor and has something else there by now.
bool TrailFile::looksAsLeft(const Position &at) const {
  uint32_t behind;  // the low half of size - position
  return mark_ && ioctl(fd_, FIONREAD, &behind) == 0 && behind == static_cast<uint32_t>(at.size - mark_);
}

// Whether a full look at the file can be left out. Between any look and the write after it there is a gap that nobody
// can close; these are not much wider. A call that took no longer than kTrustNs never left the process: its response
// needs no look at all, unless someone else wrote in between.
bool TrailFile::isAsLeft(const Moment &moment, const Position &at) {
  if (moment.takenOver || checkPath_ || tornTail_ || at.file != id_) return false;
  if (moment.answers && at.sequence == writtenSequence_ && moment.nowNs - seenNs_ < kTrustNs) return true;
  seenNs_ = moment.nowNs;
  return moment.nowNs - lookedNs_ < kLookNs && looksAsLeft(at);
}

bool TrailFile::ready(SharedState *state, const Moment &moment, Position *at, OpenFailure *failure) {
  FileStatus status;
  bool known = state->load(at), takenOver = moment.takenOver;
  if (known && isAsLeft(moment, *at)) return true;
  lookedNs_ = seenNs_ = moment.nowNs;
  bool ours = statusOf(fd_, &status) && status.id == id_ && status.links > 0;
  if (ours && known && at->file == id_ && (takenOver || status.size != at->size)) {
    // What was begun in this file ends here, before a new one is looked for.
    if (!reconcile(state, known, status, at, failure)) return false;
    ours = statusOf(fd_, &status) && status.id == id_;
  }
  if (!ours || !known || at->file != id_ || checkPath_) {
    if (ours && !wasRotated())
      readRotation(moment.nowNs);
    else if (!open(moment.nowNs, &status, failure))
      return false;
  }
  if (known && at->file == status.id && at->size == status.size && !takenOver) return true;
  return reconcile(state, known, status, at, failure);
}

bool TrailFile::append(SharedState *state, const Moment &moment, Buffer *buffer, const XmlLine &line,
                       uint8_t chain[kSha256Size], OpenFailure *failure) {
  Position at;
  if (!ready(state, moment, &at, failure)) return false;
  std::string_view text = placeSequence(buffer, line, at.sequence + 1);
  std::string_view head = text.substr(0, static_cast<size_t>(buffer->data() + line.bodyAt - text.data()));
  std::string_view rest = buffer->view(line.hashed);
  chainValue(line.body, rest.substr(0, rest.size() - 1), head, at.chain, chain);
  hexLower(chain, kSha256Size, buffer->data() + line.chainAt);
  const char *begin = text.data();
  size_t size = text.size();
  if (tornTail_) {
    // placeSequence leaves room in front
    begin--;
    size++;
    *const_cast<char *>(begin) = '\n';
  }
  int error;
  size_t wrote = appendQuietly(fd_, begin, size, &error);
  if (wrote != size) {
    if (wrote > 0) cutTo(at.size);
    *failure = {error, nullptr};
    return false;
  }
  tornTail_ = false;
  writtenSequence_ = ++at.sequence;
  at.size += size;
  memcpy(at.chain, chain, sizeof at.chain);
  state->store(at);
  if (due_.at(at.size, moment.nowNs)) {
    char name[kRotatedNameSize];
    OpenFailure ignored;  // the file goes on being written; in a second it is tried again
    if (!beginNew(state, moment.nowNs, &at, name, &ignored)) due_.never();
  }
  return true;
}

// Under the record lock nobody writes to the file; whoever comes next learns from the state that there is a new one.
bool TrailFile::beginNew(SharedState *state, int64_t nowNs, Position *at, char (&name)[kRotatedNameSize],
                         OpenFailure *failure) {
  char path[PATH_MAX];
  pathOf("trail.xml", path);
  *failure = {ESTALE, nullptr};
  int folder = namesThis(path, id_) ? openPrivateFolder(directory_, groupReadable_, failure) : -1;
  if (folder < 0) return false;
  const int64_t now = realtimeNs();
  rotatedName("trail.xml", now, at->sequence, name);
  const bool moved = renameat2(folder, "trail.xml", folder, name, RENAME_NOREPLACE) == 0;
  *failure = {errno, nullptr};
  char text[kRotatedNameSize];
  rotatedName("audit.log", now, at->sequence, text);
  // Its writers notice within a second; each of its lines stands for itself.
  if (moved) renameat2(folder, "audit.log", folder, text, RENAME_NOREPLACE);
  ::close(folder);
  FileStatus status;
  if (!moved || !open(nowNs, &status, failure)) return false;
  at->file = status.id;
  at->size = status.size;
  state->store(*at);
  return true;
}

bool TrailFile::putAside(SharedState *state, const Moment &moment, char (&name)[kRotatedNameSize],
                         OpenFailure *failure) {
  Position at;
  name[0] = 0;
  if (!ready(state, moment, &at, failure)) return false;
  return at.size == 0 || beginNew(state, moment.nowNs, &at, name, failure);
}

void TrailFile::afterFork() {
  close();
  nextCheckNs_ = lookedNs_ = seenNs_ = 0;
  checkPath_ = tornTail_ = false;
}

}  // namespace virtshim::audit
