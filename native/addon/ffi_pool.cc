#include "addon/ffi_pool.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "sys/clock.h"
#include "sys/thread.h"

namespace virtshim::addon {

namespace {

using std::chrono::microseconds;

// libvirt's XML code needs 64 KiB, its drivers' callbacks may need more.
constexpr size_t kStackBytes = 2 << 20;
constexpr std::chrono::seconds kIdleTime(5);
constexpr int64_t kSlowNs = 20'000;  // calls that take longer do not make others wait behind them
constexpr microseconds kWatchInterval(100);
constexpr int kQuietIntervals = 5;  // the watching thread then goes to sleep
constexpr int64_t kShortNs = 5'000;
constexpr int64_t kAttendNs = 30'000;
constexpr int64_t kPollNs = 30'000;
constexpr int kPolls = 8;  // polling ends after so many times in vain

Pool *pool;

void pauseBriefly() {
  for (int i = 0; i < 16; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }
}

// The host's static objects are destroyed while our threads still run.
__attribute__((destructor)) void stopAtExit() {
  if (pool) pool->stop();
}

}  // namespace

Pool &Pool::instance() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, create);
  return *pool;
}

void Pool::create() {
  pool = new Pool;
  pthread_atfork(beforeFork, afterForkInParent, afterForkInChild);
}

Pool::Pool() : severalProcessors_(std::thread::hardware_concurrency() > 1) {}

bool Pool::submit(Job *job, bool attended) {
  const Lock lock(mutex_);
  if (threads_ == 0 && !startWorker(Role::Searching)) return false;
  ++job->destination->pending;
  if (attended) job->destination->woken = true;
  if (mayBegin(job)) enqueue(job);
  return true;
}

bool Pool::isShort(FunctionId id) const {
  const uint32_t duration = durations_[static_cast<uint16_t>(id)].load(std::memory_order_relaxed);
  return severalProcessors_ && duration != 0 && duration <= kShortNs;
}

void Pool::attend(const FinishedJobs *destination) {
  const int64_t end = monotonicNs() + kAttendNs;
  while (!destination->ready.load(std::memory_order_relaxed) && monotonicNs() < end) pauseBriefly();
}

JobList Pool::takeFinished(FinishedJobs *destination) {
  const Lock lock(mutex_);
  destination->woken = false;
  destination->ready.store(false, std::memory_order_relaxed);
  return std::exchange(destination->finished, {});
}

void Pool::close(FinishedJobs *destination) {
  Lock lock(mutex_);
  destination->closed = true;
  // Until this function is through, the last of its jobs must not take the destination with it.
  ++destination->pending;
  woke_.wait(lock, [this] { return waking_ == 0; });
  while (Job *job = destination->finished.pop()) Job::destroy(job);
  release(destination);
}

void Pool::setThreads(int max) {
  const Lock lock(mutex_);
  maxThreads_ = std::max(max, 1);
}

// --- The life of a thread ---

void *Pool::threadMain(void *worker) {
  pthread_setname_np(pthread_self(), "virtshim-call");
  Worker *self = static_cast<Worker *>(worker);
  pool->work(self);
  delete self;
  return nullptr;
}

void Pool::work(Worker *self) {
  Lock lock(mutex_);
  while (Job *job = next(self, &lock)) run(self, job, &lock);
  --threads_;
}

// The job to run next; nullptr where there was none for so long that the thread may end.
Job *Pool::next(Worker *self, Lock *lock) {
  while (true) {
    switch (self->role) {
      case Role::Running: setRole(self, Role::Searching); break;
      case Role::Searching:
        if (Job *job = take(self)) return job;
        poll(lock);
        if (!ready()) setRole(self, Role::Idle);
        break;
      case Role::Watching: watch(self, lock); break;
      case Role::Idle:
        if (!sleep(self, lock)) return nullptr;
        break;
    }
  }
}

Job *Pool::take(Worker *self) {
  while (ready()) {
    Job *job = queue_.pop();
    queued_.fetch_sub(1, std::memory_order_relaxed);
    ++taken_;
    if (!job->destination->closed) {
      const uint32_t duration = durations_[static_cast<uint16_t>(job->id)].load(std::memory_order_relaxed);
      self->slow = duration == 0 || duration > kSlowNs;
      setRole(self, Role::Running);
      bringHelp();
      return job;
    }
    releaseOrder(job);
    forget(job);
  }
  return nullptr;
}

void Pool::run(Worker *self, Job *job, Lock *lock) {
  lock->unlock();
  const int64_t start = monotonicNs();
  job->run();
  learn(job->id, monotonicNs() - start);
  lock->lock();
  setRole(self, Role::Searching);
  finish(job, lock);
}

// Programs that wait for each call ask for the next one in a few microseconds; to wake a thread takes longer.
void Pool::poll(Lock *lock) {
  if (!severalProcessors_ || polling_ || pollsLeft_ == 0) return;
  polling_ = true;
  lock->unlock();
  const int64_t end = monotonicNs() + kPollNs;
  while (queued_.load(std::memory_order_relaxed) == 0 && monotonicNs() < end) pauseBriefly();
  lock->lock();
  polling_ = false;
  pollsLeft_ = queue_.empty() ? pollsLeft_ - 1 : kPolls;
}

// Waits for an interval; where jobs stand in the queue and none was taken, this thread takes them.
void Pool::watch(Worker *self, Lock *lock) {
  for (int quiet = 0; quiet < kQuietIntervals; ++quiet) {
    const uint64_t taken = taken_;
    self->wake.wait_for(*lock, kWatchInterval);
    if (self->role != Role::Watching) return;
    if (!ready()) continue;
    if (taken == taken_) return setRole(self, Role::Searching);
    quiet = 0;
  }
  setRole(self, Role::Idle);
}

// False where nothing came and the thread is to end.
bool Pool::sleep(Worker *self, Lock *lock) {
  if (threads_ <= maxThreads_) {
    const int64_t start = monotonicNs();
    self->wake.wait_for(*lock, kIdleTime, [self] { return self->role != Role::Idle; });
    if (monotonicNs() - start < 2 * kPollNs) pollsLeft_ = kPolls;
  }
  if (self->role != Role::Idle) return true;
  leaveRole(self);
  return false;
}

// --- Who does what ---

void Pool::setRole(Worker *worker, Role role) {
  leaveRole(worker);
  worker->role = role;
  switch (role) {
    case Role::Searching: ++searching_; break;
    case Role::Running:
      ++running_;
      runningSlow_ += worker->slow;
      break;
    case Role::Watching: watcher_ = worker; break;
    case Role::Idle:
      worker->below = idle_;
      idle_ = worker;
      break;
  }
}

void Pool::leaveRole(Worker *worker) {
  switch (worker->role) {
    case Role::Searching: --searching_; break;
    case Role::Running:
      --running_;
      runningSlow_ -= worker->slow;
      break;
    case Role::Watching: watcher_ = nullptr; break;
    case Role::Idle: removeIdle(worker); break;
  }
}

// Gives a sleeping thread that role, or a new one. Where all are busy, nothing is to be done.
void Pool::bring(Role role) {
  if (role == Role::Watching && watcher_) return;
  Worker *sleeper = watcher_ ? watcher_ : idle_;
  if (!sleeper) {
    if (threads_ < maxThreads_) startWorker(role);
    return;
  }
  setRole(sleeper, role);
  sleeper->wake.notify_one();
}

// Where jobs wait and nobody is about to take them: those who run short calls will come back soon, but that is watched.
void Pool::bringHelp() {
  if (!ready() || searching_ > 0) return;
  bring(running_ == runningSlow_ ? Role::Searching : Role::Watching);
}

bool Pool::startWorker(Role role) {
  Worker *worker = new Worker{Role::Searching, false, nullptr, {}};
  if (!startThread(kStackBytes, threadMain, worker)) {
    delete worker;
    return false;
  }
  ++threads_;
  ++searching_;
  setRole(worker, role);
  return true;
}

void Pool::removeIdle(const Worker *worker) {
  Worker **link = &idle_;
  while (*link != worker) link = &(*link)->below;
  *link = worker->below;
}

// --- The way of a job ---

void Pool::enqueue(Job *job) {
  queue_.push(job);
  queued_.fetch_add(1, std::memory_order_relaxed);
  bringHelp();
}

// Whether nothing stands before the job in its order; else it waits there.
bool Pool::mayBegin(Job *job) {
  if (!job->ordered) return true;
  const auto [entry, first] = orders_.try_emplace(job->order);
  if (!first) entry->second.push(job);
  return first;
}

void Pool::releaseOrder(const Job *job) {
  if (!job->ordered) return;
  const auto entry = orders_.find(job->order);
  if (entry == orders_.end()) return;
  if (Job *follower = entry->second.pop()) {
    enqueue(follower);
  } else {
    orders_.erase(entry);
  }
}

void Pool::finish(Job *job, Lock *lock) {
  releaseOrder(job);
  FinishedJobs *destination = job->destination;
  if (destination->closed) return forget(job);
  --destination->pending;
  destination->finished.push(job);
  destination->ready.store(true, std::memory_order_relaxed);
  if (destination->woken) return;
  destination->woken = true;
  ++waking_;
  lock->unlock();
  destination->wake(destination->context);
  lock->lock();
  if (--waking_ == 0) woke_.notify_all();
}

// Ends a job whose environment has gone.
void Pool::forget(Job *job) {
  FinishedJobs *destination = job->destination;
  Job::destroy(job);
  release(destination);
}

// One less that needs a closed destination.
void Pool::release(FinishedJobs *destination) {
  if (--destination->pending == 0) delete destination;
}

// Long ones count no more than a few times the limit, so that a thread that had to wait for a processor is forgotten.
void Pool::learn(FunctionId id, int64_t ns) {
  std::atomic<uint32_t> &average = durations_[static_cast<uint16_t>(id)];
  const int64_t sample = std::clamp<int64_t>(ns, 1, 8 * kSlowNs);
  const int64_t before = average.load(std::memory_order_relaxed);
  const int64_t after = before == 0 ? sample : before + (sample - before) / 8;
  average.store(static_cast<uint32_t>(after), std::memory_order_relaxed);
}

// --- fork ---

void Pool::beforeFork() { pool->mutex_.lock(); }

void Pool::afterForkInParent() { pool->mutex_.unlock(); }

// The threads are not there, and their jobs are the parent's: the child begins with an empty pool. What the parent's
// threads were about to touch is left to itself.
void Pool::afterForkInChild() { new (pool) Pool; }

}  // namespace virtshim::addon
