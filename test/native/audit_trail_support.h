// Trails in temporary folders, each scenario in a process of its own, and a reader that checks the chain.
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "audit/chain.h"
#include "audit/trail.h"
#include "audit_check.h"
#include "audit_events.h"

#if defined(__SANITIZE_THREAD__)
// These programs fork while they have threads, which the sanitizer would rather not follow.
extern "C" __attribute__((weak, visibility("default"))) const char *__tsan_default_options() {
  return "die_after_fork=0";
}
#endif

namespace virtshim::test {

inline int removeEntry(const char *path, const struct stat *, int, struct FTW *) { return remove(path); }

// A new empty folder, removed with all in it.
struct Folder {
  Folder() {
    char name[] = "/tmp/virtshim-trail-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { nftw(path.c_str(), removeEntry, 16, FTW_DEPTH | FTW_PHYS); }
  std::string file(const char *name) const { return path + "/" + name; }
  std::string path;
};

inline std::string readFile(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void appendToFile(const std::string &path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

// Runs a scenario in a child, with a trail of its own. Failed expectations and deaths count here.
inline void inChild(const char *name, const std::string &folder, const std::function<void()> &scenario) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    g_failures = 0;
    audit::Trail::afterForkInChild();
    audit::Trail::configure({folder.c_str(), false, false, false});
    scenario();
    fflush(stdout);
    _exit(g_failures ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    printf("FAIL %s: signal %d\n", name, WTERMSIG(status));
  else if (status)
    printf("FAIL %s\n", name);
  if (status) g_failures++;
}

inline audit::AppendResult appendRecord(audit::Phase phase = audit::Phase::Response, uint64_t rid = newRecordId()) {
  static char domain;
  ArgSlot args[1];
  args[0].p = &domain;
  audit::Event event = domainEvent("virDomainSuspend", phase, "test", args);
  event.rid = rid;
  return audit::Trail::append(event);
}

inline void expectAppended(int count, const char *what) {
  for (int i = 0; i < count; i++)
    expect(appendRecord() == audit::AppendResult::Ok, std::string(what) + ": " + audit::Trail::lastFailure());
}

struct Reading {
  uint64_t records = 0;
  uint64_t foreign = 0;  // lines that are no records
  bool chained = true;   // every record follows from the one before
  bool complete = true;  // the last line has its end
  uint64_t last = 0;     // sequence number
};

// Reads the files of one trail, oldest first.
inline Reading readTrail(const std::vector<std::string> &files) {
  Reading reading;
  uint8_t previous[kSha256Size] = {};
  for (const std::string &file : files) {
    std::string text = readFile(file);
    reading.complete = reading.complete && (text.empty() || text.back() == '\n');
    std::string_view rest = text;
    while (!rest.empty()) {
      size_t end = rest.find('\n');
      std::string_view line = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      audit::LineFacts facts;
      if (!audit::readLine(line, &facts)) {
        reading.foreign += !line.empty();
        continue;
      }
      reading.records++;
      reading.chained =
          reading.chained && facts.sequence == reading.last + 1 && audit::followsFrom(previous, line, facts);
      reading.last = facts.sequence;
      memcpy(previous, facts.chain, sizeof previous);
    }
  }
  return reading;
}

inline void expectTrail(const std::vector<std::string> &files, uint64_t records, const char *what) {
  Reading reading = readTrail(files);
  std::string seen = std::string(what) + ": " + std::to_string(reading.records) + " records";
  expect(reading.records == records, seen + " instead of " + std::to_string(records));
  expect(reading.chained && reading.complete && reading.foreign == 0, seen + ", but the chain is broken");
}

}  // namespace virtshim::test
