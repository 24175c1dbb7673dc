#include "audit/trail.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "audit/audit_log.h"
#include "audit/sink.h"
#include "audit/text.h"
#include "audit/trail_file.h"
#include "audit/xml.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/errno_guard.h"
#include "sys/identity.h"
#include "sys/pages.h"

namespace virtshim::audit {
namespace {

constexpr int64_t kLockNs = int64_t{5} * 1000000000;
constexpr size_t kKeepBytes = 64 * 1024;  // of a thread's buffers between records
constexpr int kFlushAtExitMs = 1000;

// What a thread keeps between records; freed when it ends.
struct ThreadState {
  Buffer line, text, origin, scratch, more;
  LineCache cache;
  uint64_t openCall = 0;  // record id of the methodcall that was this thread's last record
  bool busy = false;      // a signal handler that calls libvirt must not come in twice
  char failure[PATH_MAX + 256] = "";
};

char g_directory[PATH_MAX];
bool g_groupReadable = false;
pthread_mutex_t g_openMutex = PTHREAD_MUTEX_INITIALIZER;
std::atomic<SharedState *> g_state{nullptr};
TrailFile g_file;  // used under the record lock
SecretKey g_key;   // written before g_state is set
char g_id[16];     // what audit text calls the trail, where the key is known
pthread_key_t g_threadKey;
pthread_once_t g_threadOnce = PTHREAD_ONCE_INIT;
bool g_threadKeyMade = false;
thread_local ThreadState *t_state = nullptr;

// Zero in a child that was made without our fork handler being run: the kernel wipes the page.
std::atomic<std::atomic<uint32_t> *> g_forkMark{nullptr};

void freeThread(void *state) {
  t_state = nullptr;
  deleteOnPages(static_cast<ThreadState *>(state));
}

void makeThreadKey() { g_threadKeyMade = pthread_key_create(&g_threadKey, freeThread) == 0; }

ThreadState *threadState() {
  if (t_state) return t_state;
  pthread_once(&g_threadOnce, makeThreadKey);
  t_state = newOnPages<ThreadState>();
  if (t_state && g_threadKeyMade) pthread_setspecific(g_threadKey, t_state);
  return t_state;
}

AppendResult failed(ThreadState *thread, int error, const char *detail) {
  char *out = thread->failure, *end = out + sizeof thread->failure - 1;
  auto put = [&out, end](const char *text) {
    while (*text && out < end) *out++ = *text++;
  };
  put("trail `");
  put(g_directory);
  put("`: ");
  const char *name = error ? strerrordesc_np(error) : nullptr;
  if (detail) put(detail);
  if (detail && name) put(": ");
  if (name) put(name);
  *out = 0;
  return AppendResult::Failed;
}

void makeForkMark() {
  if (g_forkMark.load(std::memory_order_relaxed)) return;
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void *memory = allocatePages(page);
  if (!memory) return;
  if (madvise(memory, page, MADV_WIPEONFORK) != 0) {
    freePages(memory, page);
    return;
  }
  g_forkMark.store(new (memory) std::atomic<uint32_t>(1), std::memory_order_release);
}

bool forkedUnseen() {
  std::atomic<uint32_t> *mark = g_forkMark.load(std::memory_order_acquire);
  return mark && mark->load(std::memory_order_relaxed) == 0;
}

// Not pthread_mutex_lock: whoever holds it may be waiting for a disk.
bool lockOpening() {
  int64_t deadline = monotonicNs() + kLockNs;
  while (pthread_mutex_trylock(&g_openMutex) != 0) {
    if (monotonicNs() > deadline) return false;
    usleep(500);
  }
  return true;
}

// Tells the trail's records from others in a log that many trails share. It gives nothing away about the key.
void makeId() {
  constexpr std::string_view kWhat = "virtshim trail";
  uint8_t digest[kSha256Size];
  hmacSha256(g_key.bytes, sizeof g_key.bytes, kWhat.data(), kWhat.size(), digest);
  hexLower(digest, sizeof g_id / 2, g_id);
}

// The key that digests of secrets are made with: 32 random bytes, readable by the trail's owner alone.
void readKey(int folder) {
  bool created;
  OpenFailure failure;
  g_key.known = false;
  int fd = openPrivateFile(folder, "trail.key", O_RDWR | O_CREAT, false, &created, &failure);
  if (fd < 0) return;
  ssize_t got = pread(fd, g_key.bytes, sizeof g_key.bytes, 0);
  if (got != static_cast<ssize_t>(sizeof g_key.bytes))
    g_key.known = randomBytes(g_key.bytes, sizeof g_key.bytes) &&
                  pwrite(fd, g_key.bytes, sizeof g_key.bytes, 0) == static_cast<ssize_t>(sizeof g_key.bytes);
  else
    g_key.known = true;
  close(fd);
  if (g_key.known) makeId();
}

// Opens .trail.state and the key.
SharedState *openState(OpenFailure *failure) {
  NoSigxfsz quiet;
  int folder = openPrivateFolder(g_directory, g_groupReadable, failure);
  if (folder < 0) return nullptr;
  SharedState *state = newOnPages<SharedState>();
  if (!state) *failure = {ENOMEM, nullptr};
  if (state && state->open(folder, g_groupReadable, failure)) {
    int64_t now = monotonicNs();
    LockResult locked = state->lock(LockKind::Record, kLockNs, &now);
    if (locked == LockResult::TimedOut) {
      *failure = {ETIMEDOUT, "another process holds the trail"};
      state->close();
    } else {
      if (!g_key.known) readKey(folder);
      state->unlock(LockKind::Record);
    }
  }
  close(folder);
  if (state && !state->isOpen()) {
    deleteOnPages(state);
    state = nullptr;
  }
  return state;
}

SharedState *ensureOpen(OpenFailure *failure) {
  SharedState *state = g_state.load(std::memory_order_acquire);
  if (state) return state;
  if (!lockOpening()) {
    *failure = {ETIMEDOUT, nullptr};
    return nullptr;
  }
  state = g_state.load(std::memory_order_acquire);
  if (!state && !g_directory[0]) *failure = {0, "no folder is set"};
  if (!state && g_directory[0]) {
    makeForkMark();
    state = openState(failure);
    g_state.store(state, std::memory_order_release);
  }
  pthread_mutex_unlock(&g_openMutex);
  return state;
}

// Locks the trail that counts now: .trail.state may be replaced while a thread waits in the old one.
SharedState *lockCurrent(SharedState *state, TrailFile::Moment *moment, OpenFailure *failure) {
  while (true) {
    LockResult result = state->lock(LockKind::Record, kLockNs, &moment->nowNs);
    if (result == LockResult::TimedOut) {
      *failure = {ETIMEDOUT, "another process holds the trail"};
      return nullptr;
    }
    SharedState *current = g_state.load(std::memory_order_acquire);
    if (current == state) {
      moment->takenOver = result == LockResult::TakenOver;
      return state;
    }
    state->unlock(LockKind::Record);
    if (!current) current = ensureOpen(failure);
    if (!current) return nullptr;
    state = current;
  }
}

// Someone removed or replaced .trail.state: all processes must meet in the new one.
SharedState *replaceState(SharedState *old, TrailFile::Moment *moment, OpenFailure *failure) {
  SharedState *fresh = openState(failure);
  if (!fresh) {
    // The others may have met in the new one already: nothing is written before this one is there too.
    g_file.checkPathsAgain();
    old->unlock(LockKind::Record);
    return nullptr;
  }
  g_state.store(fresh, std::memory_order_release);
  old->unlock(LockKind::Record);
  old->retire();
  return lockCurrent(fresh, moment, failure);
}

AppendResult writeRecord(ThreadState *thread, SharedState *state, const Event &event, const XmlLine &line,
                         uint8_t chain[kSha256Size]) {
  OpenFailure failure{};
  TrailFile::Moment moment{};
  moment.nowNs = event.monotonicNs ? event.monotonicNs : monotonicNs();
  moment.answers = event.phase == Phase::Response && event.rid == thread->openCall;
  thread->openCall = event.phase == Phase::Call ? event.rid : 0;
  state = lockCurrent(state, &moment, &failure);
  if (!state) return failed(thread, failure.error, failure.detail);
  if (g_file.timeToCheckPaths(moment.nowNs) && g_file.stateWasReplaced(state->file())) {
    state = replaceState(state, &moment, &failure);
    if (!state) return failed(thread, failure.error, failure.detail);
  }
  bool ok = g_file.append(state, moment, &thread->line, line, chain, &failure);
  state->unlock(LockKind::Record);
  return ok ? AppendResult::Ok : failed(thread, failure.error, failure.detail);
}

void submitText(ThreadState *thread, SharedState *state, const Event &event, const uint8_t *chain, Redactor *redactor) {
  char hex[16];
  hexLower(chain, 8, hex);
  thread->origin.clear();
  writeAuditOrigin(event.subject, &thread->origin);
  const TextPlace place{{hex, sizeof hex}, {g_id, g_key.known ? sizeof g_id : 0}};
  if (!writeAuditText(event, place, redactor, &thread->text) || !thread->origin.ok()) return;
  sinkSubmit(state, thread->origin.view(), thread->text.view());
}

AppendResult appendEvent(ThreadState *thread, const Event &event) {
  OpenFailure failure{};
  SharedState *state = ensureOpen(&failure);
  if (!state) return failed(thread, failure.error, failure.detail);
  Redactor redactor(g_key, &thread->scratch, &thread->more);
  XmlLine line;
  if (!writeXmlLine(event, &redactor, &thread->cache, &thread->line, &line)) return failed(thread, ENOMEM, nullptr);
  uint8_t chain[kSha256Size];
  AppendResult result = writeRecord(thread, state, event, line, chain);
  if (result == AppendResult::Ok && event.phase == Phase::Response && sinkWanted())
    submitText(thread, g_state.load(std::memory_order_acquire), event, chain, &redactor);
  for (Buffer *buffer : {&thread->line, &thread->scratch, &thread->more}) buffer->shrink(kKeepBytes);
  return result;
}

}  // namespace

void Trail::configure(const TrailOptions &options) {
  ErrnoGuard guard;
  size_t length = 0;
  // The host may change its folder later.
  if (options.directory[0] != '/' && getcwd(g_directory, sizeof g_directory - 2)) {
    length = strlen(g_directory);
    g_directory[length++] = '/';
  }
  size_t rest = strnlen(options.directory, sizeof g_directory - 1 - length);
  memcpy(g_directory + length, options.directory, rest);
  g_directory[length + rest] = 0;
  g_groupReadable = options.groupReadable;
  g_file.configure(g_directory, g_groupReadable);
  auditLogConfigure(g_directory, g_groupReadable);
  sinkConfigure(options.netlink, options.fileAlways);
}

AppendResult Trail::append(const Event &event) {
  ErrnoGuard guard;
  if (forkedUnseen()) afterForkInChild();
  ThreadState *thread = threadState();
  if (!thread) return AppendResult::Failed;
  if (thread->busy) return failed(thread, 0, "called again from within a record");
  // A thread that is cancelled in here would keep the lock.
  int cancelState;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelState);
  thread->busy = true;
  AppendResult result = appendEvent(thread, event);
  thread->busy = false;
  pthread_setcancelstate(cancelState, nullptr);
  return result;
}

const char *Trail::lastFailure() { return t_state ? t_state->failure : "out of memory"; }

bool Trail::flush(int ms) { return sinkFlush(ms); }

void Trail::afterForkInChild() {
  ErrnoGuard guard;
  g_openMutex = PTHREAD_MUTEX_INITIALIZER;
  if (SharedState *state = g_state.exchange(nullptr)) {
    state->close();
    deleteOnPages(state);
  }
  g_file.afterFork();
  auditLogAfterFork();
  sinkAfterFork();
  refreshAfterFork();
  reseedRecordIds();
  if (std::atomic<uint32_t> *mark = g_forkMark.load(std::memory_order_relaxed)) mark->store(1);
  if (t_state) t_state->busy = false;
}

void Trail::shutdown() {
  ErrnoGuard guard;
  sinkFinish(kFlushAtExitMs);
}

}  // namespace virtshim::audit
