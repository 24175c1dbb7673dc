// The pool of threads that makes JavaScript's libvirt calls, without JavaScript: several environments at once, orders,
// environments that go away amid their calls, forks.
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

// These know nothing of Node and are linked into nothing but the addon.
#include "addon/ffi_actor.cc"
#include "addon/ffi_error.cc"
#include "addon/ffi_job.cc"
#include "addon/ffi_library.cc"
#include "addon/ffi_pool.cc"
#include "generated/thunks.cc"

using namespace virtshim;
using namespace virtshim::addon;

namespace {

void require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "not so: %s\n", what);
  _exit(1);
}

void attach() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  require(size > 0, "the program knows its path");
  path[size] = '\0';
  const std::string folder(path, strrchr(path, '/') - path);
  std::string problem;
  require(attachShim((folder + "/libvirtshim.so").c_str(), &problem), problem.c_str());
}

// What is called on behalf of one environment, on its own thread.
class Caller {
 public:
  Caller() : finished_(new FinishedJobs(wake, this)) {}
  ~Caller() { Pool::instance().close(finished_); }

  void start(FunctionId id, std::initializer_list<const void *> args, uint64_t order = 0) {
    Job *job = Job::create(id, 0);
    int i = 0;
    for (const void *arg : args) job->args[i++].p = arg;
    job->destination = finished_;
    job->ticket = started_++;
    job->ordered = order != 0;
    job->order = order;
    require(Pool::instance().submit(job, false), "a thread can be started");
  }

  // Waits until all have ended and hands them to `look` in the order in which they did.
  template <typename Look>
  void await(Look look) {
    while (ended_ < started_) {
      {
        std::unique_lock<std::mutex> lock(mutex_);
        const bool came = more_.wait_for(lock, std::chrono::seconds(30), [this] { return woken_; });
        require(came, "finished calls are announced");
        woken_ = false;
      }
      JobList jobs = Pool::instance().takeFinished(finished_);
      for (; Job *job = jobs.pop(); ++ended_) {
        look(*job);
        Job::destroy(job);
      }
    }
  }

  // The result of one call.
  const void *call(FunctionId id, std::initializer_list<const void *> args) {
    const void *result = nullptr;
    start(id, args);
    await([&](const Job &job) { result = job.result.p; });
    return result;
  }

 private:
  static void wake(void *self) {
    Caller *caller = static_cast<Caller *>(self);
    const std::lock_guard<std::mutex> lock(caller->mutex_);
    caller->woken_ = true;
    caller->more_.notify_one();
  }

  FinishedJobs *finished_;
  uint32_t started_ = 0, ended_ = 0;
  std::mutex mutex_;
  std::condition_variable more_;
  bool woken_ = false;
};

struct Guest {
  explicit Guest(Caller *caller)
      : connection(caller->call(FunctionId::virConnectOpen, {"test:///default"})),
        domain(caller->call(FunctionId::virDomainLookupByName, {connection, "test"})) {
    require(domain, "the test driver has its domain");
  }

  const void *connection;
  const void *domain;
};

// Successes and failures from several threads: each comes back to its own, with its own error.
void environmentsAtOnce() {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      Caller caller;
      Guest guest(&caller);
      const std::string bad = "<bad" + std::to_string(t) + "/>";
      for (int i = 0; i < 500; ++i) {
        caller.start(FunctionId::virDomainGetName, {guest.domain});
        caller.start(FunctionId::virDomainDefineXML, {guest.connection, bad.c_str()});
        if (i % 50 == 0) caller.start(FunctionId::virDomainGetXMLDesc, {guest.domain, nullptr});
      }
      int failures = 0;
      caller.await([&](const Job &job) {
        if (job.id != FunctionId::virDomainDefineXML) {
          require(job.text && !job.error, "a call that succeeds has a text and no error");
          return;
        }
        require(!job.result.p && job.error, "a call that fails has an error");
        require(strstr(job.error->get().message, ("bad" + std::to_string(t)).c_str()), "the error is its own");
        ++failures;
      });
      require(failures == 500, "all failures came back");
    });
  }
  for (std::thread &thread : threads) thread.join();
}

// Suspend and resume succeed only one after the other; calls of other orders run between them.
void orders() {
  Caller caller;
  Guest guest(&caller);
  for (uint64_t i = 0; i < 2000; ++i) {
    caller.start(i % 2 == 0 ? FunctionId::virDomainSuspend : FunctionId::virDomainResume, {guest.domain}, 1);
    caller.start(FunctionId::virDomainGetXMLDesc, {guest.domain, nullptr}, 2 + i % 7);
  }
  int64_t last = -1;
  caller.await([&](const Job &job) {
    require(!job.error, "suspend and resume alternate");
    if (job.order != 1) return;
    require(job.ticket > last, "calls of one order end as they were started");
    last = job.ticket;
  });
}

void environmentsThatGo() {
  for (int i = 0; i < 200; ++i) {
    Caller caller;
    Guest guest(&caller);
    for (int n = 0; n < 50; ++n) caller.start(FunctionId::virDomainGetXMLDesc, {guest.domain, nullptr}, n % 3);
  }
}

// A child has none of the threads, and makes its own.
void forks() {
  Caller caller;
  Guest guest(&caller);
  for (int i = 0; i < 20; ++i) {
    for (int n = 0; n < 200; ++n) caller.start(FunctionId::virDomainGetName, {guest.domain}, n % 2);
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      Caller *own = new Caller;
      const void *version[4] = {};
      own->call(FunctionId::virGetVersion, {version, nullptr, nullptr});
      _exit(version[0] ? 0 : 1);
    }
    int status = -1;
    require(waitpid(child, &status, 0) == child && status == 0, "calls can be made in a child");
    caller.await([](const Job &job) { require(job.text, "the parent's calls go on"); });
  }
}

}  // namespace

int main() {
  char trail[] = "/tmp/virtshim-pool-XXXXXX";
  require(mkdtemp(trail), "there is a temporary folder");
  setenv("VIRTSHIM_TRAIL", (std::string(trail) + "/trail").c_str(), 1);
  attach();
  environmentsAtOnce();
  orders();
  environmentsThatGo();
  forks();
  Pool::instance().stop();
  return system((std::string("rm -rf ") + trail).c_str());
}
