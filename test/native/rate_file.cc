// The file behind a limit of calls: exact in a window that slides, whoever counts, whatever the clocks do, wherever a
// process is killed, and whatever somebody wrote into it.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "call/rate_file.h"
#include "sys/clock.h"

using namespace virtshim;

namespace {

constexpr int64_t kSecond = 1000000000;
constexpr off_t kHead = 64;

void require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "not so: %s\n", what);
  _exit(1);
}

class File {
 public:
  File() {
    fd_ = mkstemp(path_);
    require(fd_ >= 0, "a temporary file");
  }
  ~File() {
    close(fd_);
    unlink(path_);
  }
  int fd() const { return fd_; }
  int openAgain() const { return open(path_, O_RDWR | O_CLOEXEC); }

 private:
  char path_[32] = "/tmp/virtshim-rate-XXXXXX";
  int fd_;
};

RateMoment at(int64_t ns, uint64_t boot = 1) { return {boot, ns, 1000 * kSecond + ns}; }

bool counts(const File &file, const RateLimit &limit, const RateMoment &now) {
  const Counted counted = countCallAt(file.fd(), limit, now);
  require(counted == Counted::Yes || counted == Counted::LimitReached, "counted or refused");
  return counted == Counted::Yes;
}

void windowSlides() {
  File file;
  const RateLimit limit{3, 10};
  require(counts(file, limit, at(0)) && counts(file, limit, at(4 * kSecond)) && counts(file, limit, at(5 * kSecond)),
          "three calls pass");
  require(!counts(file, limit, at(5 * kSecond)) && !counts(file, limit, at(10 * kSecond - 1)), "the fourth does not");
  require(counts(file, limit, at(10 * kSecond)), "it does when the first is ten seconds old");
  require(!counts(file, limit, at(14 * kSecond - 1)), "refused calls do not count");
  require(counts(file, limit, at(14 * kSecond)) && counts(file, limit, at(15 * kSecond)), "nor do they hold up others");
}

// By the definition: the calls that were let through in the last seconds.
void agreesWithTheDefinition() {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    File file;
    const RateLimit limit{static_cast<uint32_t>(1 + random() % 6), static_cast<uint32_t>(1 + random() % 4)};
    std::vector<int64_t> passed;
    int64_t now = static_cast<int64_t>(random() % 1000);
    for (int i = 0; i < 60; ++i) {
      now += static_cast<int64_t>(random() % (kSecond / 2));
      uint32_t lately = 0;
      for (const int64_t one : passed) lately += now - one < limit.seconds * kSecond;
      const bool free = lately < limit.calls;
      require(counts(file, limit, at(now)) == free, "as defined");
      if (free) passed.push_back(now);
    }
  }
}

void clocksDoNotLiftIt() {
  File file;
  const RateLimit limit{1, 60};
  require(counts(file, limit, {1, 100 * kSecond, 5000 * kSecond}), "the first");
  require(!counts(file, limit, {1, 101 * kSecond, 9000 * kSecond}), "the wall clock set forward");
  require(!counts(file, limit, {1, 101 * kSecond, 10 * kSecond}), "the wall clock set back");
  require(!counts(file, limit, {1, 90 * kSecond, 5000 * kSecond}), "the running time of another namespace");
  require(!counts(file, limit, {2, 1 * kSecond, 5059 * kSecond}), "a restart within the minute");
  require(!counts(file, limit, {2, 80 * kSecond, 10 * kSecond}), "a restart with a clock that went back");
  require(counts(file, limit, {2, 1 * kSecond, 5060 * kSecond}), "a restart, and the minute is over");
  require(!counts(file, limit, {2, 60 * kSecond, 99999 * kSecond}), "from then on by the new boot's running time");
  require(counts(file, limit, {2, 61 * kSecond, 0}), "however the wall clock goes");
}

// Killed before the head was written, the ring's place has been: a call of before, once more.
void halfACountIsNone() {
  File file;
  const RateLimit limit{2, 10};
  require(counts(file, limit, at(0)) && counts(file, limit, at(kSecond)), "two");
  const int64_t newest = kSecond;
  require(pwrite(file.fd(), &newest, sizeof newest, kHead + 8) == sizeof newest, "the place of the second");
  require(!counts(file, limit, at(9 * kSecond)) && counts(file, limit, at(10 * kSecond)), "nothing changed");
}

void freshOnes() {
  File file;
  const RateLimit limit{2, 10};
  require(ftruncate(file.fd(), kHead + 16) == 0, "as its maker left it that was killed");
  require(counts(file, limit, at(0)) && counts(file, limit, at(0)) && !counts(file, limit, at(0)), "like a new one");
}

void damagedOnes() {
  const RateLimit limit{3, 10};
  auto damaged = [&](const char *what, auto damage) {
    File file;
    for (int i = 0; i < 5; ++i) require(counts(file, limit, at(i * 10 * kSecond)), "counted");
    damage(file.fd());
    require(countCallAt(file.fd(), limit, at(100 * kSecond)) == Counted::Damaged, what);
  };
  auto put = [](off_t where, uint64_t value) {
    return [=](int fd) { require(pwrite(fd, &value, sizeof value, where) == sizeof value, "written"); };
  };
  damaged("cut short", [](int fd) { require(ftruncate(fd, 70) == 0, "cut"); });
  damaged("too long", [](int fd) { require(ftruncate(fd, 4096) == 0, "grown"); });
  damaged("another limit's", put(8, 4));
  damaged("no magic", put(0, 0x4141414141414141));
  damaged("a count that cannot be", put(16, UINT64_MAX));
  damaged("no calls", put(16, 0));
  damaged("a time before the first", put(24, UINT64_MAX));
  damaged("a time too far", put(24, uint64_t{1} << 62));
  damaged("a boot too long", put(40, UINT64_MAX - 5));
  damaged("a clock too far", put(48, uint64_t{1} << 63));
  damaged("the oldest is newer than the newest", put(kHead + 8 * (5 % 3), uint64_t{1} << 60));
  damaged("the oldest is before the first", put(kHead + 8 * (5 % 3), UINT64_MAX));
}

void anyBytes() {
  std::mt19937_64 random(11);
  const RateLimit limit{3, 10};
  File file;
  for (int i = 0; i < 3; ++i) counts(file, limit, at(i));
  unsigned char good[kHead + 24];
  require(pread(file.fd(), good, sizeof good, 0) == sizeof good, "read");
  for (int round = 0; round < 20000; ++round) {
    unsigned char bytes[sizeof good];
    for (size_t i = 0; i < sizeof good; ++i) bytes[i] = good[i];
    for (uint64_t n = random() % 4 + 1; n > 0; --n)
      bytes[random() % sizeof bytes] = static_cast<unsigned char>(random());
    require(pwrite(file.fd(), bytes, sizeof bytes, 0) == sizeof bytes, "written");
    countCallAt(file.fd(), limit,
                {random() % 3, static_cast<int64_t>(random() >> 4), static_cast<int64_t>(random() >> 4)});
  }
}

// No size limit of the process raises a signal, and the file stays what it was.
void sizeLimit() {
  File file;
  const rlimit none{16, RLIM_INFINITY};
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  setrlimit(RLIMIT_FSIZE, &none);
  const Counted counted = countCallAt(file.fd(), {2, 10}, at(0));
  setrlimit(RLIMIT_FSIZE, &before);
  require(counted == Counted::Failed, "failed");
  require(counts(file, {2, 10}, at(0)), "and again");
}

int passedOf(int fd, const RateLimit &limit, int attempts) {
  int passed = 0;
  for (int i = 0; i < attempts; ++i) {
    const Counted counted = countCall(fd, limit);
    require(counted == Counted::Yes || counted == Counted::LimitReached, "nobody waits too long");
    passed += counted == Counted::Yes;
  }
  return passed;
}

// Each opens the file anew, as the shim does.
void threadsAndProcesses() {
  File file;
  const RateLimit limit{500, 3600};
  auto *total = static_cast<std::atomic<int> *>(
      mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const int fd = file.openAgain();
      *total += passedOf(fd, limit, 100);
      _exit(0);
    }
    children.push_back(child);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const int fd = file.openAgain();
      *total += passedOf(fd, limit, 50);
      close(fd);
    });
  }
  for (auto &thread : threads) thread.join();
  for (const pid_t child : children) {
    int status;
    require(waitpid(child, &status, 0) == child && status == 0, "a child ends well");
  }
  require(*total == 500, "as many pass as the limit says, of all together");
  munmap(total, sizeof *total);
}

// Children that are killed anywhere: the file is whole, at once free, and lets no more through than it may.
void killed() {
  std::mt19937_64 random(3);
  File file;
  const RateLimit limit{100000, 3600};
  auto *told = static_cast<std::atomic<int> *>(
      mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const int rounds = 200;
  for (int round = 0; round < rounds; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      const int fd = file.openAgain();
      while (countCall(fd, limit) == Counted::Yes) ++*told;
      _exit(1);
    }
    usleep(static_cast<useconds_t>(200 + random() % 800));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const int64_t before = monotonicNs();
    require(countCall(file.fd(), limit) == Counted::Yes, "whole after a kill");
    require(monotonicNs() - before < kSecond / 4, "and free");
  }
  uint64_t count;
  require(pread(file.fd(), &count, sizeof count, 16) == sizeof count, "read");
  const uint64_t least = static_cast<uint64_t>(*told) + rounds;
  require(count >= least && count <= least + rounds, "each call once; of a killed child's last one nobody knows");
  munmap(told, sizeof *told);
}

void heldByOthers() {
  File file;
  const int other = file.openAgain();
  require(flock(other, LOCK_EX) == 0, "held");
  const int64_t before = monotonicNs();
  require(countCall(file.fd(), {5, 10}) == Counted::Busy, "busy");
  const int64_t waited = monotonicNs() - before;
  require(waited > kSecond / 4 && waited < 2 * kSecond, "after half a second");
  close(other);
  require(countCall(file.fd(), {5, 10}) == Counted::Yes, "then free");
}

}  // namespace

int main() {
  signal(SIGXFSZ, SIG_DFL);
  windowSlides();
  agreesWithTheDefinition();
  clocksDoNotLiftIt();
  halfACountIsNone();
  freshOnes();
  damagedOnes();
  anyBytes();
  sizeLimit();
  threadsAndProcesses();
  killed();
  heldByOthers();
  return 0;
}
