// A trail under failing disks, killed writers, signals and forks: audit_trail_faults [KILLS], 60 by default.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>

#include "audit/state.h"
#include "audit_trail_support.h"
#include "sys/clock.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

std::atomic<int> g_failWrites{0};     // errno of the next writes, 0 for none
std::atomic<size_t> g_shortBytes{0};  // how many bytes a failing write takes first

}  // namespace

// Stands in front of libc's: the disk that fails.
extern "C" __attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  if (g_failWrites == 0) return syscall(SYS_pwrite64, fd, data, size, at);
  if (size_t some = g_shortBytes.exchange(0); some > 0 && some < size) return syscall(SYS_pwrite64, fd, data, some, at);
  errno = g_failWrites;
  return -1;
}

namespace {

void failingWrites() {
  Folder folder;
  inChild("EIO", folder.path, [&] {
    expectAppended(2, "EIO");
    g_failWrites = EIO;
    for (size_t some : {0, 1, 100, 400}) {
      g_shortBytes = some;
      expect(appendRecord() == AppendResult::Failed, "EIO is a failure");
      expect(contains(Trail::lastFailure(), "Input/output error"), Trail::lastFailure());
      expect(readTrail({folder.file("trail.xml")}).complete, "nothing torn stays");
    }
    g_failWrites = 0;
    expectAppended(2, "EIO is over");
  });
  expectTrail({folder.file("trail.xml")}, 4, "EIO");
}

void fullDisk() {
  Folder folder;
  if (mount("none", folder.path.c_str(), "tmpfs", 0, "size=256k,mode=700") != 0) {
    printf("skipped: full disk (mount: %s)\n", strerror(errno));
    return;
  }
  uint64_t written = 0;
  inChild("ENOSPC", folder.path, [&] {
    std::string filler(150 * 1024, 'x');
    appendToFile(folder.file("filler"), filler);
    while (appendRecord() == AppendResult::Ok) written++;
    expect(written > 20 && written < 2000, "the disk is full after " + std::to_string(written));
    expect(contains(Trail::lastFailure(), "No space left on device"), Trail::lastFailure());
    expectTrail({folder.file("trail.xml")}, written, "full disk");
    for (int i = 0; i < 50; i++) expect(appendRecord() == AppendResult::Failed, "still full");
    expectTrail({folder.file("trail.xml")}, written, "still full");
    unlink(folder.file("filler").c_str());
    expectAppended(10, "space again");
    expectTrail({folder.file("trail.xml")}, written + 10, "space again");
  });
  umount2(folder.path.c_str(), MNT_DETACH);
}

// Not even room for the shared state: a store into its map must not be what finds out.
void fullBeforeStart() {
  Folder folder;
  for (int kib : {4, 8, 16, 28, 32, 40}) {
    std::string size = "mode=700,size=" + std::to_string(kib) + "k";
    if (mount("none", folder.path.c_str(), "tmpfs", 0, size.c_str()) != 0) return;
    inChild("full before start", folder.path, [&] {
      bool ok = appendRecord() == AppendResult::Ok;
      expect(ok || contains(Trail::lastFailure(), "No space left on device"), Trail::lastFailure());
    });
    umount2(folder.path.c_str(), MNT_DETACH);
  }
}

void sizeLimit() {
  Folder folder;
  inChild("EFBIG", folder.path, [&] {
    rlimit limit{40000, 40000};
    setrlimit(RLIMIT_FSIZE, &limit);
    uint64_t written = 0;
    while (written < 1000 && appendRecord() == AppendResult::Ok) written++;
    expect(written > 10 && written < 100, "the limit is met after " + std::to_string(written));
    expect(contains(Trail::lastFailure(), "File too large"), Trail::lastFailure());
    sigset_t pending;
    sigpending(&pending);
    expect(!sigismember(&pending, SIGXFSZ), "no signal is left behind");
    expectTrail({folder.file("trail.xml")}, written, "EFBIG");
  });
}

// Shared by all processes of a test: how many records each was told are written.
struct Counters {
  std::atomic<uint64_t> done[64];
};

Counters *makeCounters() {
  void *memory = mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return new (memory) Counters{};
}

pid_t startWriter(const std::string &folder, std::atomic<uint64_t> *done) {
  pid_t child = fork();
  if (child != 0) return child;
  Trail::afterForkInChild();
  Trail::configure({folder.c_str(), false, true, false});
  while (true)
    if (appendRecord() == AppendResult::Ok) done->fetch_add(1);
}

void killedWriters(int kills) {
  Folder folder;
  Counters *counters = makeCounters();
  constexpr int kWriters = 4;
  pid_t writers[kWriters];
  for (int i = 0; i < kWriters; i++) writers[i] = startWriter(folder.path, &counters->done[i]);
  uint64_t random = 88172645463325252;
  for (int i = 0; i < kills; i++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    usleep(static_cast<useconds_t>(random % 15000));
    int victim = static_cast<int>(random >> 40) % kWriters;
    kill(writers[victim], SIGKILL);
    waitpid(writers[victim], nullptr, 0);
    writers[victim] = startWriter(folder.path, &counters->done[victim]);
  }
  uint64_t told = 0;
  for (pid_t writer : writers) kill(writer, SIGKILL);
  for (pid_t writer : writers) waitpid(writer, nullptr, 0);
  for (auto &done : counters->done) told += done;
  // One more process mends what the last ones left.
  inChild("after the kills", folder.path, [] { expectAppended(1, "after the kills"); });
  Reading reading = readTrail({folder.file("trail.xml")});
  std::string seen = std::to_string(reading.records) + " records, " + std::to_string(told) + " told";
  expect(reading.chained && reading.complete && reading.foreign == 0, "killed writers: " + seen);
  expect(reading.records > told && reading.records <= told + 1 + static_cast<uint64_t>(kills) + kWriters, seen);
  printf("killed %d writers: %s\n", kills, seen.c_str());
}

pid_t lockAsAnother(const std::string &folder, const std::function<void()> &end) {
  pid_t child = fork();
  if (child == 0) {
    OpenFailure failure;
    int dir = openPrivateFolder(folder.c_str(), false, &failure);
    SharedState state;
    if (state.open(dir, false, &failure)) {
      int64_t now = monotonicNs();
      state.lock(LockKind::Record, 1000000000, &now);
      end();
    }
    _exit(0);
  }
  usleep(200 * 1000);
  return child;
}

void stop(pid_t child) {
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

// A dead process's lock is taken over; that of a stopped one is respected, but not waited for without end.
void heldLock() {
  Folder folder;
  inChild("held", folder.path, [] { expectAppended(1, "held"); });
  stop(lockAsAnother(folder.path, [] { kill(getpid(), SIGKILL); }));
  int64_t begin = monotonicNs();
  inChild("killed owner", folder.path, [] { expectAppended(1, "killed owner"); });
  expect(monotonicNs() - begin < int64_t{1000} * 1000000, "a killed owner's lock is taken over soon");
  pid_t other = lockAsAnother(folder.path, [] { execl("/bin/sleep", "sleep", "4", nullptr); });
  begin = monotonicNs();
  inChild("exec", folder.path, [] { expectAppended(1, "exec"); });
  expect(monotonicNs() - begin < int64_t{3000} * 1000000, "the lock of a process that became another program, too");
  stop(other);
  other = lockAsAnother(folder.path, [] { pause(); });
  begin = monotonicNs();
  inChild("stopped owner", folder.path, [] {
    expect(appendRecord() == AppendResult::Failed, "a living owner keeps its lock");
    expect(contains(Trail::lastFailure(), "another process holds the trail"), Trail::lastFailure());
  });
  int64_t waited = (monotonicNs() - begin) / 1000000;
  stop(other);
  expect(waited > 4000 && waited < 6500, "the wait is bounded: " + std::to_string(waited) + " ms");
  expectTrail({folder.file("trail.xml")}, 3, "held");
}

std::atomic<int> g_fromHandler{0};

void onSignal(int) {
  if (appendRecord() == AppendResult::Ok) g_fromHandler++;
}

// A signal handler may call libvirt while its thread is inside a record.
void signals() {
  Folder folder;
  uint64_t written = 0;
  inChild("signals", folder.path, [&] {
    expectAppended(1, "signals");
    signal(SIGALRM, onSignal);
    itimerval often{{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &often, nullptr);
    for (int i = 0; i < 20000; i++) expectAppended(1, "with signals");
    itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    written = 20001 + static_cast<uint64_t>(g_fromHandler);
    expectTrail({folder.file("trail.xml")}, written, "signals");
  });
}

void *appendUntilCancelled(void *) {
  while (true) {
    appendRecord();
    pthread_testcancel();
  }
}

void cancelledThreads() {
  Folder folder;
  inChild("cancel", folder.path, [&] {
    for (int i = 0; i < 100; i++) {
      pthread_t thread;
      pthread_create(&thread, nullptr, appendUntilCancelled, nullptr);
      usleep(500);
      pthread_cancel(thread);
      pthread_join(thread, nullptr);
    }
    expectAppended(10, "after cancelled threads");
    Reading reading = readTrail({folder.file("trail.xml")});
    expect(reading.chained && reading.complete, "cancelled threads");
  });
}

// A child that no fork handler saw must not use its parent's slot.
void rawFork() {
  Folder folder;
  inChild("raw fork", folder.path, [&] {
    expectAppended(1, "raw fork");
    pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    for (int i = 0; i < 3000; i++) appendRecord();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
  });
  expectTrail({folder.file("trail.xml")}, 6001, "raw fork");
}

void sameDigestEverywhere() {
  Folder folder;
  for (int i = 0; i < 2; i++)
    inChild("digest", folder.path, [] {
      static char object;
      ArgSlot args[4];
      args[0].p = &object;
      args[1].p = "root";
      args[2].p = "S3CRET";
      args[3].u = 0;
      Event event = domainEvent("virDomainSetUserPassword", Phase::Response, "test", args);
      expect(Trail::append(event) == AppendResult::Ok, Trail::lastFailure());
    });
  std::string text = readFile(folder.file("trail.xml"));
  size_t first = text.find("hmac:"), second = text.rfind("hmac:");
  expect(first != std::string::npos && first != second && text.substr(first, 21) == text.substr(second, 21), text);
  expect(!contains(text, "S3CRET"), "no secret");
}

}  // namespace

int main(int argc, char **argv) {
  failingWrites();
  fullDisk();
  fullBeforeStart();
  sizeLimit();
  killedWriters(argc > 1 ? atoi(argv[1]) : 60);
  heldLock();
  signals();
  cancelledThreads();
  rawFork();
  sameDigestEverywhere();
  return finish();
}
