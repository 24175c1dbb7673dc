#include "audit/state.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/errno_guard.h"
#include "sys/futex.h"
#include "sys/process.h"

namespace virtshim::audit {
namespace {

constexpr char kMagic[8] = {'V', 'S', 'T', 'R', 'A', 'I', 'L', '1'};
constexpr uint32_t kSlots = 1024;  // processes that have one trail open at a time
constexpr int kWaitMs = 20;
constexpr int64_t kPatienceNs = 1000000000;
constexpr int64_t kWholeNs = 50 * 1000;

// A lock word: owner's slot + 1 in the low bits, how often that slot was given out above it, and whether any one waits.
// The count keeps a slot's new holder from being taken for its dead one.
constexpr uint32_t kWaiters = 0x80000000;
constexpr uint32_t kSlotBits = 12;
constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
constexpr uint32_t kTurnMask = (kWaiters - 1) >> kSlotBits;

// Byte ranges that are locked, far beyond the file's end; nothing is stored there.
constexpr int64_t kSlotBytes = int64_t{1} << 40;
constexpr int64_t kSetupByte = int64_t{1} << 41;

struct Commit {
  Position position;
  uint64_t check;
};

uint64_t checkOf(const Position &position) {
  uint64_t words[sizeof(Position) / 8];
  static_assert(sizeof(Position) % 8 == 0);
  memcpy(words, &position, sizeof position);
  // Independent multiplications, so that they overlap.
  uint64_t sum = 0x76697274, salt = 0;
  for (uint64_t word : words) sum += (word ^ (salt += 0xd6e8feb86659fd93)) * 0x9e3779b97f4a7c15;
  sum ^= sum >> 29;
  return sum;
}

// Locks that belong to the open file, not to the process: they end with its last descriptor, survive another close of
// the same file in this process, and work across pid namespaces.
bool lockByte(int fd, int64_t at, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = at;
  lock.l_len = 1;
  return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool byteIsLocked(int fd, int64_t at) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = at;
  lock.l_len = 1;
  return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

// Tells the processor that this is a spin loop.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Only one process sets the file up at a time; that takes microseconds, so a bounded wait is enough.
bool lockSetup(int fd) {
  int64_t deadline = monotonicNs() + int64_t{5} * 1000000000;
  while (!lockByte(fd, kSetupByte, F_WRLCK)) {
    if (errno != EAGAIN && errno != EACCES) return false;
    if (monotonicNs() > deadline) return false;
    usleep(1000);
  }
  return true;
}

}  // namespace

// src/trail/state.ts reads the file at these places.
constexpr size_t kCurrentAt = 192, kCommitsAt = 200, kPositionBytes = 64;

struct SharedState::Slot {
  std::atomic<uint32_t> turn;
  uint32_t pid;
  uint64_t pidNamespace;
  uint64_t startTime;
};

struct SharedState::Memory {
  char magic[8];
  uint32_t version;
  uint32_t size;
  alignas(64) std::atomic<uint32_t> recordLock;
  alignas(64) std::atomic<uint32_t> textLock;
  std::atomic<uint32_t> serial;
  std::atomic<uint32_t> repairs;
  // Two places in turn: a process that dies while it stores leaves the older one whole.
  alignas(64) std::atomic<uint32_t> current;
  Commit commits[2];
  alignas(64) Slot slots[kSlots];
};

static_assert(sizeof(Position) == kPositionBytes && sizeof(Commit) == kPositionBytes + 8);

// Gives the file its full size with real zeros, not a hole: a store into a hole of a full disk would be a SIGBUS in the
// host.
bool SharedState::fill(int fd, OpenFailure *failure) {
  struct stat status;
  if (fstat(fd, &status) != 0) {
    *failure = {errno, nullptr};
    return false;
  }
  if (static_cast<size_t>(status.st_size) >= sizeof(Memory)) return true;
  static const char kZeros[4096] = {};
  for (off_t at = 0; at < static_cast<off_t>(sizeof(Memory)); at += sizeof kZeros) {
    if (pwrite(fd, kZeros, sizeof kZeros, at) != sizeof kZeros) {
      *failure = {errno ? errno : ENOSPC, nullptr};
      if (ftruncate(fd, 0) != 0) errno = failure->error;
      return false;
    }
  }
  return true;
}

bool SharedState::map(int fd, OpenFailure *failure) {
  if (!fill(fd, failure)) return false;
  void *memory = mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    *failure = {errno, nullptr};
    return false;
  }
  memory_ = static_cast<Memory *>(memory);
  if (memcmp(memory_->magic, kMagic, sizeof kMagic) == 0 && memory_->version == 1 && memory_->size == sizeof(Memory))
    return true;
  memset(memory, 0, sizeof(Memory));
  writeHeader();
  return true;
}

void SharedState::writeHeader() {
  memory_->version = 1;
  memory_->size = sizeof(Memory);
  // Where an older state is lost, its serials are unlikely to come again.
  memory_->serial.store(static_cast<uint32_t>(realtimeNs() / 1000000), std::memory_order_relaxed);
  memcpy(memory_->magic, kMagic, sizeof kMagic);
}

// A file that was cut, by logrotate's copytruncate for one, would be a SIGBUS in the host.
// Not asked again within kWholeNs: the time between any look and the use after it cannot be closed anyway, and two
// looks at each call would cost as much as half a write.
bool SharedState::ensureWhole(int64_t nowNs) {
  if (nowNs - wholeAtNs_.load(std::memory_order_relaxed) < kWholeNs) return true;
  wholeAtNs_.store(nowNs, std::memory_order_relaxed);
  FileStatus status;
  if (!statusOf(fd_, &status) || status.id != file_ || status.size >= sizeof(Memory)) return true;
  pthread_mutex_lock(&wholeMutex_);
  OpenFailure failure;
  bool whole = lockSetup(fd_);
  if (whole) {
    bool cut = statusOf(fd_, &status) && status.size < sizeof(Memory);
    whole = fill(fd_, &failure);
    if (whole && cut) writeHeader();
    if (whole) writeSlot();
    lockByte(fd_, kSetupByte, F_UNLCK);
  }
  pthread_mutex_unlock(&wholeMutex_);
  return whole;
}

// Tells the others who we are.
void SharedState::writeSlot() {
  ProcessId self = ownProcess();
  Slot &mine = memory_->slots[(self_ & kSlotMask) - 1];
  mine.pid = self.pid;
  mine.pidNamespace = self.pidNamespace;
  mine.startTime = self.startTime;
  mine.turn.store(self_ >> kSlotBits, std::memory_order_release);
}

bool SharedState::claimSlot() {
  static_assert(offsetof(Memory, current) == kCurrentAt && offsetof(Memory, commits) == kCommitsAt);
  ProcessId self = ownProcess();
  for (uint32_t i = 0; i < kSlots; i++) {
    uint32_t slot = (self.pid + i) % kSlots;
    if (!lockByte(fd_, kSlotBytes + slot, F_WRLCK)) {
      if (errno != EAGAIN && errno != EACCES) return false;
      continue;
    }
    uint32_t turn = (memory_->slots[slot].turn.load(std::memory_order_relaxed) + 1) & kTurnMask;
    self_ = turn << kSlotBits | (slot + 1);
    writeSlot();
    return true;
  }
  errno = EUSERS;
  return false;
}

bool SharedState::open(int folder, bool groupReadable, OpenFailure *failure) {
  bool created;
  fd_ = openPrivateFile(folder, ".trail.state", O_RDWR | O_CREAT, groupReadable, &created, failure);
  if (fd_ < 0) return false;
  file_ = fileIdOf(fd_);
  bool ok = lockSetup(fd_);
  if (!ok) {
    *failure = {errno == EAGAIN || errno == EACCES ? ETIMEDOUT : errno, nullptr};
  } else {
    ok = map(fd_, failure);
    if (ok && !claimSlot()) {
      *failure = {errno, errno == EUSERS ? "too many processes write this trail" : nullptr};
      ok = false;
    }
    lockByte(fd_, kSetupByte, F_UNLCK);
  }
  if (!ok) close();
  return ok;
}

void SharedState::close() {
  if (memory_) munmap(memory_, sizeof(Memory));
  memory_ = nullptr;
  retire();
}

void SharedState::retire() {
  if (fd_ >= 0 && fileIdOf(fd_) == file_) ::close(fd_);
  fd_ = -1;
}

std::atomic<uint32_t> *SharedState::word(LockKind kind) const {
  return kind == LockKind::Record ? &memory_->recordLock : &memory_->textLock;
}

// Dead: the kernel released its slot. A process that demonstrably lives may only have had its files closed by its host,
// or may have become another program by exec: it gets the longer wait before it counts as dead.
bool SharedState::ownerIsDead(uint32_t word, int64_t waitedNs) const {
  uint32_t number = word & kSlotMask;
  if (number == 0 || number > kSlots) return true;  // garbage
  uint32_t turn = (word & ~kWaiters) >> kSlotBits;
  const Slot &slot = memory_->slots[number - 1];
  if (slot.turn.load(std::memory_order_acquire) != turn) return true;
  switch (livenessOf({slot.pid, slot.pidNamespace, slot.startTime})) {
    case Liveness::Gone: return true;
    case Liveness::Alive:
      if (waitedNs < kPatienceNs) return false;
      break;
    default: break;
  }
  return fileIdOf(fd_) == file_ && !byteIsLocked(fd_, kSlotBytes + (number - 1));
}

LockResult SharedState::lock(LockKind kind, int64_t waitNs, int64_t *nowNs) {
  if (!ensureWhole(*nowNs)) return LockResult::TimedOut;
  std::atomic<uint32_t> *lock = word(kind);
  uint32_t seen = 0;
  if (lock->compare_exchange_strong(seen, self_, std::memory_order_acquire)) return LockResult::Locked;
  // The writer inside needs some microseconds: look again a few times before asking the kernel to wait.
  for (int i = 0; i < 64; i++) {
    relax();
    seen = 0;
    if (lock->compare_exchange_weak(seen, self_, std::memory_order_acquire)) return LockResult::Locked;
  }
  const uint32_t asWaiter = self_ | kWaiters;
  const int64_t begin = *nowNs = monotonicNs();
  while (true) {
    seen = lock->load(std::memory_order_relaxed);
    if (seen == 0) {
      if (lock->compare_exchange_strong(seen, asWaiter, std::memory_order_acquire)) return LockResult::Locked;
      continue;
    }
    if (!(seen & kWaiters) && !lock->compare_exchange_strong(seen, seen | kWaiters, std::memory_order_relaxed))
      continue;
    int64_t before = monotonicNs();
    futexWait(lock, seen | kWaiters, kWaitMs);
    int64_t now = *nowNs = monotonicNs();
    if (now - before >= (kWaitMs - 1) * 1000000 && lock->load(std::memory_order_relaxed) == (seen | kWaiters) &&
        (seen & ~kWaiters) != self_ && ownerIsDead(seen, now - begin)) {
      uint32_t dead = seen | kWaiters;
      if (lock->compare_exchange_strong(dead, asWaiter, std::memory_order_acquire)) return LockResult::TakenOver;
    }
    if (now - begin > waitNs) return LockResult::TimedOut;
  }
}

void SharedState::unlock(LockKind kind) {
  std::atomic<uint32_t> *lock = word(kind);
  if (lock->exchange(0, std::memory_order_release) & kWaiters) futexWakeOne(lock);
}

bool SharedState::load(Position *out) const {
  uint32_t first = memory_->current.load(std::memory_order_acquire) & 1;
  for (uint32_t i = 0; i < 2; i++) {
    Commit commit = memory_->commits[first ^ i];
    if (commit.check != checkOf(commit.position)) continue;
    *out = commit.position;
    return true;
  }
  return false;
}

void SharedState::store(const Position &position) {
  uint32_t next = (memory_->current.load(std::memory_order_relaxed) & 1) ^ 1;
  Commit *commit = &memory_->commits[next];
  commit->position = position;
  commit->check = checkOf(position);
  memory_->current.store(next, std::memory_order_release);
}

uint32_t SharedState::nextSerial() { return 0x80000000 | memory_->serial.fetch_add(1, std::memory_order_relaxed); }

void SharedState::countRepair() { memory_->repairs.fetch_add(1, std::memory_order_relaxed); }

}  // namespace virtshim::audit
