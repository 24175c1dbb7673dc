// Many processes and threads write one trail: audit_writers DIR PROCESSES THREADS CALLS [netlink] [file] [fork]
// Each thread writes CALLS pairs of records; with `fork`, each process forks a child that writes too.
// Prints the number of records written and exits 1 where one failed.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "audit/trail.h"
#include "audit_events.h"

using namespace virtshim;
using namespace virtshim::audit;

namespace {

std::atomic<long> g_failed{0};

void append(Phase phase) {
  static char domain;
  ArgSlot args[1];
  args[0].p = &domain;
  Event event = test::domainEvent("virDomainSuspend", phase, "test", args);
  if (Trail::append(event) == AppendResult::Ok) return;
  if (g_failed.fetch_add(1) == 0) fprintf(stderr, "%s\n", Trail::lastFailure());
}

void writeCalls(long calls) {
  for (long i = 0; i < calls; i++) {
    append(Phase::Call);
    append(Phase::Response);
  }
}

int process(int threads, long calls, bool forks) {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; i++) running.emplace_back(writeCalls, calls);
  pid_t child = -1;
  if (forks) {
    child = fork();
    if (child == 0) {
      Trail::afterForkInChild();
      writeCalls(calls);
      Trail::flush(1000);
      _exit(g_failed ? 1 : 0);
    }
  }
  for (std::thread &thread : running) thread.join();
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  Trail::shutdown();
  return g_failed || status ? 1 : 0;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int processes = atoi(argv[2]), threads = atoi(argv[3]);
  long calls = atol(argv[4]);
  bool netlink = false, file = false, forks = false;
  for (int i = 5; i < argc; i++) {
    netlink |= std::string(argv[i]) == "netlink";
    file |= std::string(argv[i]) == "file";
    forks |= std::string(argv[i]) == "fork";
  }
  Trail::configure({argv[1], netlink, file, false});
  for (int i = 0; i < processes; i++)
    if (fork() == 0) {
      Trail::afterForkInChild();
      exit(process(threads, calls, forks));
    }
  int failed = 0, status;
  while (wait(&status) > 0) failed += status != 0;
  printf("%ld\n", 2L * processes * calls * (threads + (forks ? 1 : 0)));
  return failed != 0;
}
