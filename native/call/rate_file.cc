#include "call/rate_file.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "sys/boot.h"
#include "sys/clock.h"
#include "sys/private_file.h"

namespace virtshim {
namespace {

constexpr int64_t kSecondNs = 1000000000;
constexpr int64_t kPatienceNs = kSecondNs / 2;
constexpr int64_t kFirstNapNs = 20 * 1000;
constexpr int64_t kLongestNapNs = 500 * 1000;
constexpr int64_t kFarNs = int64_t{1} << 61;  // two of them can be added
constexpr char kMagic[8] = {'V', 'S', 'R', 'A', 'T', 'E', 'S', '1'};

// Behind it come the times of the counted calls, in a ring with a place for each call of the limit. The newest stands
// in the head alone: one write counts a call, so that a process killed anywhere leaves a whole file behind.
struct Head {
  char magic[8];
  uint64_t calls;  // of the limit
  uint64_t count;  // of all calls ever counted
  int64_t newest;  // by the file's own time
  RateMoment at;   // the same moment by the machine's clocks
  uint64_t reserved;
};
static_assert(sizeof(Head) == 64);

bool within(int64_t value) { return value >= 0 && value < kFarNs; }

bool readAt(int fd, void *out, size_t size, uint64_t at) {
  ssize_t got;
  do got = pread(fd, out, size, static_cast<off_t>(at));
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(size);
}

bool writeAt(int fd, const void *data, size_t size, uint64_t at) {
  ssize_t wrote;
  do wrote = pwrite(fd, data, size, static_cast<off_t>(at));
  while (wrote < 0 && errno == EINTR);
  if (wrote >= 0 && wrote != static_cast<ssize_t>(size)) errno = ENOSPC;
  return wrote == static_cast<ssize_t>(size);
}

class RateFile {
 public:
  RateFile(int fd, const RateLimit &limit, const RateMoment &now) : fd_(fd), limit_(limit), now_(now) {}

  Counted count() {
    const Counted read = load();
    if (read != Counted::Yes) return read;
    const int64_t time = head_.count == 0 ? 0 : head_.newest + sinceNewest();
    if (head_.count >= limit_.calls) {
      int64_t oldest = head_.newest;
      if (limit_.calls > 1 && !readAt(fd_, &oldest, sizeof oldest, placeOf(head_.count))) return Counted::Damaged;
      if (!within(oldest) || oldest > head_.newest) return Counted::Damaged;
      if (time - oldest < limit_.seconds * kSecondNs) return Counted::LimitReached;
    }
    return store(time) ? Counted::Yes : Counted::Failed;
  }

 private:
  uint64_t placeOf(uint64_t call) const { return sizeof(Head) + call % limit_.calls * sizeof(int64_t); }

  // A file that was just made is empty, or has its size and nothing but zeros where its maker was killed.
  Counted load() {
    struct stat status;
    if (fstat(fd_, &status) != 0) return Counted::Failed;
    const off_t size = static_cast<off_t>(placeOf(limit_.calls - 1) + sizeof(int64_t));
    if (status.st_size == 0 && !makeWhole(size)) return Counted::Failed;
    if (status.st_size != 0 && status.st_size != size) return Counted::Damaged;
    if (!readAt(fd_, &head_, sizeof head_, 0)) return Counted::Damaged;
    const Head fresh{};
    if (memcmp(&head_, &fresh, sizeof fresh) == 0) return Counted::Yes;
    const bool sound = memcmp(head_.magic, kMagic, sizeof kMagic) == 0 && head_.calls == limit_.calls &&
                       head_.count != 0 && head_.count < UINT64_MAX && within(head_.newest) &&
                       within(head_.at.sinceBootNs) && within(head_.at.realtimeNs);
    return sound ? Counted::Yes : Counted::Damaged;
  }

  bool makeWhole(off_t size) {
    NoSigxfsz quiet;
    return ftruncate(fd_, size) == 0;
  }

  int64_t sinceNewest() const {
    const int64_t passed =
        now_.boot == head_.at.boot ? now_.sinceBootNs - head_.at.sinceBootNs : now_.realtimeNs - head_.at.realtimeNs;
    return passed > 0 ? passed : 0;
  }

  bool store(int64_t time) {
    NoSigxfsz quiet;
    if (head_.count != 0 && !writeAt(fd_, &head_.newest, sizeof head_.newest, placeOf(head_.count - 1))) return false;
    memcpy(head_.magic, kMagic, sizeof kMagic);
    head_.calls = limit_.calls;
    head_.count++;
    head_.newest = time;
    head_.at = now_;
    return writeAt(fd_, &head_, sizeof head_, 0);
  }

  int fd_;
  RateLimit limit_;
  RateMoment now_;
  Head head_;
};

void nap(int64_t ns) {
  const timespec time{0, static_cast<long>(ns)};
  nanosleep(&time, nullptr);
}

// A lock of the open file: it keeps threads apart as well as processes, and ends with the last descriptor of the file.
Counted lock(int fd) {
  const int64_t until = monotonicNs() + kPatienceNs;
  int64_t napNs = kFirstNapNs;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Counted::Failed;
    if (monotonicNs() >= until) return Counted::Busy;
    nap(napNs);
    if (napNs < kLongestNapNs) napNs *= 2;
  }
  return Counted::Yes;
}

bool readMoment(RateMoment *now) {
  now->sinceBootNs = virtshim::sinceBootNs();
  now->realtimeNs = realtimeNs();
  return bootId(&now->boot) && within(now->sinceBootNs) && within(now->realtimeNs);
}

}  // namespace

Counted countCallAt(int fd, const RateLimit &limit, const RateMoment &now) { return RateFile(fd, limit, now).count(); }

Counted countCall(int fd, const RateLimit &limit) {
  const Counted locked = lock(fd);
  if (locked != Counted::Yes) return locked;
  RateMoment now;
  const Counted counted = readMoment(&now) ? countCallAt(fd, limit, now) : Counted::NoClock;
  const int error = errno;
  // Not left to close(): a child that was forked meanwhile has the descriptor as well.
  flock(fd, LOCK_UN);
  errno = error;
  return counted;
}

}  // namespace virtshim
