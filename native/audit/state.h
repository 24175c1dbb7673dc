// .trail.state: what the processes that write one trail share. A file that all of them map.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "sys/private_file.h"
#include "sys/sha256.h"

namespace virtshim::audit {

// Where the trail stands: everything up to `size` of the file `inode` is written, and the next record goes behind it.
struct Position {
  uint64_t sequence;  // of the last record, 0 where there is none
  uint64_t size;      // of trail.xml
  FileId file;
  uint8_t chain[kSha256Size];  // of the last record
};

enum class LockKind { Record, Text };

enum class LockResult {
  Locked,
  TakenOver,  // its owner died inside: what it was writing must be looked at
  TimedOut,
};

// One process's view. All methods but open() and close() may be called by several threads.
class SharedState {
 public:
  // Maps .trail.state of the folder and takes a slot. Returns false with *failure set where that cannot be done.
  bool open(int folder, bool groupReadable, OpenFailure *failure);
  void close();   // also right for a forked child: the parent keeps its slot
  void retire();  // gives the slot back but stays mapped, for threads that still wait in it
  bool isOpen() const { return memory_ != nullptr; }
  FileId file() const { return file_; }

  // *nowNs: the monotonic time; set where the lock had to be waited for.
  LockResult lock(LockKind kind, int64_t waitNs, int64_t *nowNs);
  void unlock(LockKind kind);

  // Under the record lock. False where nothing trustworthy is stored.
  bool load(Position *out) const;
  void store(const Position &position);

  // A number for the next line of audit.log: 2147483648..4294967295, beyond what the kernel counts.
  uint32_t nextSerial();

  // Bumped when something was repaired; shown by tools.
  void countRepair();

 private:
  struct Memory;
  struct Slot;
  bool fill(int fd, OpenFailure *failure);
  bool map(int fd, OpenFailure *failure);
  void writeHeader();
  void writeSlot();
  bool ensureWhole(int64_t nowNs);
  bool claimSlot();
  bool ownerIsDead(uint32_t word, int64_t waitedNs) const;
  std::atomic<uint32_t> *word(LockKind kind) const;

  Memory *memory_ = nullptr;
  int fd_ = -1;
  FileId file_{};
  uint32_t self_ = 0;                  // what this process writes into a lock word
  std::atomic<int64_t> wholeAtNs_{0};  // when .trail.state was last seen to be whole
  pthread_mutex_t wholeMutex_ = PTHREAD_MUTEX_INITIALIZER;
};

}  // namespace virtshim::audit
