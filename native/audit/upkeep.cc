#include "audit/upkeep.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "audit/subject.h"
#include "audit/trail_file.h"
#include "audit/xml.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/errno_guard.h"

namespace virtshim::audit {
namespace {

constexpr int64_t kLockNs = int64_t{5} * 1000000000;
constexpr int64_t kUpkeepByte = int64_t{1} << 42;  // of .trail.state, beyond those that its writers lock

// A trail that is open and locked as long as this lives.
class LockedTrail {
 public:
  LockedTrail(const TrailFolder &folder, OpenFailure *failure) {
    int at = openPrivateFolder(folder.directory, folder.groupReadable, failure);
    if (at < 0) return;
    const bool open = state_.open(at, folder.groupReadable, failure);
    ::close(at);
    if (!open) return;
    file_.configure(folder.directory, folder.groupReadable);
    moment_.nowNs = monotonicNs();
    const LockResult result = state_.lock(LockKind::Record, kLockNs, &moment_.nowNs);
    locked_ = result != LockResult::TimedOut;
    moment_.takenOver = result == LockResult::TakenOver;
    if (!locked_) *failure = {ETIMEDOUT, "another process holds the trail"};
  }

  ~LockedTrail() {
    if (locked_) state_.unlock(LockKind::Record);
    file_.close();
    if (state_.isOpen()) state_.close();
  }

  LockedTrail(const LockedTrail &) = delete;
  LockedTrail &operator=(const LockedTrail &) = delete;

  bool locked() const { return locked_; }

  bool putAside(char (&name)[kRotatedNameSize], OpenFailure *failure) {
    return file_.putAside(&state_, moment_, name, failure);
  }

  bool append(Buffer *line, const XmlLine &where, OpenFailure *failure) {
    uint8_t chain[kSha256Size];
    return file_.append(&state_, moment_, line, where, chain, failure);
  }

 private:
  SharedState state_;
  TrailFile file_;
  TrailFile::Moment moment_{};
  bool locked_ = false;
};

}  // namespace

bool rotateTrail(const TrailFolder &folder, char (&name)[kRotatedNameSize], OpenFailure *failure) {
  ErrnoGuard guard;
  NoSigxfsz quiet;
  name[0] = 0;
  LockedTrail trail(folder, failure);
  return trail.locked() && trail.putAside(name, failure);
}

bool appendNotice(const TrailFolder &folder, std::string_view kind, std::string_view text, OpenFailure *failure) {
  ErrnoGuard guard;
  NoSigxfsz quiet;
  Buffer line, scratch, more;
  LineCache cache;
  XmlLine where;
  const SecretKey none{};
  Redactor redactor(none, &scratch, &more);
  Event event = {};
  event.rid = newRecordId();
  event.phase = Phase::Notice;
  event.function = kNoFunction;
  event.notice = kind;
  event.reason = text;
  event.subject = subjectOf(currentUid());
  event.realtimeNs = realtimeNs();
  if (!writeXmlLine(event, &redactor, &cache, &line, &where)) {
    *failure = {ENOMEM, nullptr};
    return false;
  }
  LockedTrail trail(folder, failure);
  return trail.locked() && trail.append(&line, where, failure);
}

int lockUpkeep(const TrailFolder &folder, OpenFailure *failure) {
  ErrnoGuard guard;
  const int at = openPrivateFolder(folder.directory, folder.groupReadable, failure);
  if (at < 0) return -1;
  bool created;
  const int fd = openPrivateFile(at, ".trail.state", O_RDWR | O_CREAT, folder.groupReadable, &created, failure);
  ::close(at);
  if (fd < 0) return -1;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kUpkeepByte;
  lock.l_len = 1;
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return fd;
  *failure = {errno == EACCES ? EAGAIN : errno, nullptr};
  ::close(fd);
  return -1;
}

}  // namespace virtshim::audit
