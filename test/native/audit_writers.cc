// Many processes and threads write one trail: audit_writers DIR PROCESSES THREADS CALLS [netlink] [file] [fork]
// Each thread writes CALLS pairs of records; with `fork`, each process forks a child that writes too.
// Prints the number of records written and exits 1 where one failed.
// Without arguments: 8 processes of 4 threads and a fork each write a trail of their own, which is then checked.
#include <algorithm>
#include <atomic>
#include <thread>

#include "audit_trail_support.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

std::atomic<long> g_failed{0};

void append(Phase phase, uint64_t rid) {
  if (appendRecord(phase, rid) == AppendResult::Ok) return;
  if (g_failed.fetch_add(1) == 0) fprintf(stderr, "%s\n", Trail::lastFailure());
}

void writeCalls(long calls) {
  for (long i = 0; i < calls; i++) {
    uint64_t rid = newRecordId();
    append(Phase::Call, rid);
    append(Phase::Response, rid);
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

struct Load {
  int processes, threads;
  long calls;
  bool forks;
  long records() const { return 2L * processes * calls * (threads + (forks ? 1 : 0)); }
};

// Returns how many of the processes failed.
int run(const Load &load) {
  for (int i = 0; i < load.processes; i++)
    if (fork() == 0) {
      Trail::afterForkInChild();
      exit(process(load.threads, load.calls, load.forks));
    }
  int failed = 0, status;
  while (wait(&status) > 0) failed += status != 0;
  return failed;
}

// Every response has its line of audit.log, whole, with a serial number of its own.
void checkAuditLog(const std::string &text, long responses) {
  std::vector<std::string> serials;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    expect(line.substr(0, 28) == "type=VIRT_CONTROL msg=audit(" && line.substr(line.size() - 13) == " res=success'",
           line);
    size_t serial = line.find(':') + 1;
    serials.push_back(line.substr(serial, line.find(')') - serial));
    at = end + 1;
  }
  expect(static_cast<long>(serials.size()) == responses, std::to_string(serials.size()) + " lines of audit text");
  std::sort(serials.begin(), serials.end());
  expect(std::adjacent_find(serials.begin(), serials.end()) == serials.end(), "serial numbers are unique");
}

int runOwn() {
  Folder folder;
  Load load{8, 4, 300, true};
  Trail::configure({folder.path.c_str(), false, true, false});
  expect(run(load) == 0, "writers");
  expectTrail({folder.file("trail.xml")}, static_cast<uint64_t>(load.records()), "many writers");
  checkAuditLog(readFile(folder.file("audit.log")), load.records() / 2);
  return finish();
}

}  // namespace

int main(int argc, char **argv) {
  if (argc == 1) return runOwn();
  if (argc < 5) return 2;
  Load load{atoi(argv[2]), atoi(argv[3]), atol(argv[4]), false};
  bool netlink = false, file = false;
  for (int i = 5; i < argc; i++) {
    std::string_view word = argv[i];
    netlink |= word == "netlink";
    file |= word == "file";
    load.forks |= word == "fork";
  }
  Trail::configure({argv[1], netlink, file, false});
  int failed = run(load);
  printf("%ld\n", load.records());
  return failed != 0;
}
