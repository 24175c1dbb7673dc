// What a thread asserts: kept by itself, cut where it is long, and gone with the thread.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "audit_check.h"
#include "call/actor.h"

using namespace virtshim;
using namespace virtshim::test;

namespace {

void expectSaid(std::string_view actor, std::string_view via, std::string_view reason, const std::string &what) {
  audit::Asserted said = currentActor();
  expectEqual(said.actor, actor, what + ": actor");
  expectEqual(said.via, via, what + ": via");
  expectEqual(said.reason, reason, what + ": reason");
}

void keepsCopies() {
  char user[] = "alice";
  errno = 4242;
  virtshim_set_actor(user, "shop", nullptr);
  expect(errno == 4242, "errno stays");
  user[0] = 'x';
  expectSaid("alice", "shop", "maintenance", "copies, and the environment for what is left out");
  virtshim_set_actor(nullptr, "", "own");
  expectSaid("operator", "", "own", "parts are left out");
  virtshim_set_actor(nullptr, nullptr, nullptr);
  expectSaid("operator", "", "maintenance", "taken back");
}

void cuts() {
  std::string fits(audit::kMaxActor, 'a');
  virtshim_set_actor(fits.c_str(), nullptr, nullptr);
  expectEqual(currentActor().actor, fits, "as long as may be");
  virtshim_set_actor((fits + "a").c_str(), nullptr, nullptr);
  expectEqual(currentActor().actor, fits + "...", "one byte more");
  std::string text(audit::kMaxReason - 1, 'r');
  virtshim_set_actor(nullptr, nullptr, (text + "\u00e4rest").c_str());
  expectEqual(currentActor().reason, text + "...", "no half character");
  std::string bytes(audit::kMaxVia + 9, '\xff');
  virtshim_set_actor(nullptr, bytes.c_str(), nullptr);
  expectEqual(currentActor().via, bytes.substr(0, audit::kMaxVia) + "...", "bytes that are no UTF-8");
  virtshim_set_actor(nullptr, nullptr, nullptr);
}

void *speak(void *) {
  expectSaid("operator", "", "maintenance", "a new thread");
  virtshim_set_actor("thread", nullptr, nullptr);
  expectSaid("thread", "", "maintenance", "a thread");
  return nullptr;
}

void runThread() {
  pthread_t thread;
  pthread_create(&thread, nullptr, speak, nullptr);
  pthread_join(thread, nullptr);
}

long mappedPages() {
  std::ifstream statm("/proc/self/statm");
  long pages = 0;
  statm >> pages;
  return pages;
}

void threads() {
  virtshim_set_actor("main", nullptr, nullptr);
  for (int i = 0; i < 10; i++) runThread();
  long before = mappedPages();
  for (int i = 0; i < 1000; i++) runThread();
  expect(mappedPages() < before + 500, "threads leave nothing behind");
  expectSaid("main", "", "maintenance", "behind threads");
  pid_t child = fork();
  if (child == 0) {
    expectSaid("main", "", "maintenance", "a child");
    _exit(finish());
  }
  int status = 1;
  waitpid(child, &status, 0);
  expect(status == 0, "a child speaks as its parent did");
}

}  // namespace

int main() {
  setenv("VIRTSHIM_ACTOR", "operator", 1);
  setenv("VIRTSHIM_REASON", "maintenance", 1);
  keepsCopies();
  setenv("VIRTSHIM_ACTOR", "changed", 1);
  cuts();
  threads();
  return finish();
}
