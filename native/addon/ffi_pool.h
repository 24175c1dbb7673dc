// The threads that make libvirt's calls for JavaScript: those of the process, for all its environments. Knows nothing
// of Node.
//
// Most calls take a microsecond, some block for minutes. A burst of short ones is run by one thread, which needs no
// waking for each; the others sleep. Another thread comes where a call is known to be slow, and where a watching thread
// sees that nothing was begun for a while.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "addon/ffi_job.h"

namespace virtshim::addon {

// Where the finished jobs of one environment are put. The pool's lock guards all of it.
struct FinishedJobs {
  FinishedJobs(void (*wake)(void *), void *context) : wake(wake), context(context) {}

  void (*const wake)(void *context);  // tells the environment's thread to come; called on any thread, without the lock
  void *const context;
  JobList finished;
  std::atomic<bool> ready{false};  // some are there, for who looks without the lock
  size_t pending = 0;              // jobs that have not ended
  bool woken = false;              // the environment's thread has been told, or comes by itself
  bool closed = false;
};

class Pool {
 public:
  static Pool &instance();

  // Takes the job over until it is finished. `attended`: the caller comes for it soon, and need not be told. False, and
  // the job remains the caller's, where no thread can be started.
  bool submit(Job *job, bool attended);

  // Whether calls of the function end so soon that to be woken would take longer than to wait for them.
  bool isShort(FunctionId id) const;

  // Waits for a job to finish, but only for some microseconds.
  static void attend(const FinishedJobs *destination);

  // The finished jobs, oldest first, which are the caller's now.
  JobList takeFinished(FinishedJobs *destination);

  // From now on nobody calls destination->wake. Jobs in flight end on their threads and are forgotten, others never
  // begin. The destination belongs to the pool afterwards.
  void close(FinishedJobs *destination);

  // At most so many threads, 1 at least. Those that are too many go when they have nothing to do.
  void setThreads(int max);

  // The process is about to end: no job begins from now on.
  void stop() { stopping_.store(true, std::memory_order_relaxed); }

 private:
  using Lock = std::unique_lock<std::mutex>;

  enum class Role : uint8_t {
    Searching,  // awake, about to take a job
    Running,    // in a libvirt call
    Watching,   // looks from time to time whether jobs are begun
    Idle,       // sleeps until it is given another role
  };

  struct Worker {
    Role role;
    bool slow;      // runs a call that is known to take long
    Worker *below;  // in the stack of the idle
    std::condition_variable wake;
  };

  Pool();

  static void create();
  static void *threadMain(void *worker);
  static void beforeFork();
  static void afterForkInParent();
  static void afterForkInChild();

  // The life of a thread.
  void work(Worker *self);
  Job *next(Worker *self, Lock *lock);
  Job *take(Worker *self);
  void run(Worker *self, Job *job, Lock *lock);
  void poll(Lock *lock);
  void watch(Worker *self, Lock *lock);
  bool sleep(Worker *self, Lock *lock);

  // Who does what.
  void setRole(Worker *worker, Role role);
  void leaveRole(Worker *worker);
  void bring(Role role);
  void bringHelp();
  bool startWorker(Role role);
  void removeIdle(const Worker *worker);

  // The way of a job.
  bool ready() const { return !queue_.empty() && !stopping_.load(std::memory_order_relaxed); }
  void enqueue(Job *job);
  bool mayBegin(Job *job);
  void releaseOrder(const Job *job);
  void finish(Job *job, Lock *lock);
  static void forget(Job *job);
  static void release(FinishedJobs *destination);
  void learn(FunctionId id, int64_t ns);

  std::mutex mutex_;
  JobList queue_;
  std::atomic<int> queued_{0};  // how many stand there, for those who look without the lock
  uint64_t taken_ = 0;          // how many were taken from there
  // An order with a job in the queue or under way has an entry: the jobs that wait behind that one.
  std::unordered_map<uint64_t, JobList> orders_;

  int maxThreads_ = 16;
  int threads_ = 0, searching_ = 0, running_ = 0, runningSlow_ = 0;
  Worker *watcher_ = nullptr;
  Worker *idle_ = nullptr;

  int waking_ = 0;                // threads in FinishedJobs::wake
  std::condition_variable woke_;  // none is there any more

  const bool severalProcessors_;
  bool polling_ = false;
  int pollsLeft_ = 0;

  std::atomic<bool> stopping_{false};
  std::atomic<uint32_t> durations_[kFunctionCount] = {};  // average of a call in ns, 0 where it is not known yet
};

}  // namespace virtshim::addon
