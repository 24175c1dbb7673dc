// Files of a trail that are put aside while it is written: by its writers themselves, and by tools beside them.
#include <dirent.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "audit/upkeep.h"
#include "audit_trail_support.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

uint64_t lastSequence(const std::string &name) {
  size_t dash = name.rfind('-');
  return dash == std::string::npos ? UINT64_MAX : std::stoull(name.substr(dash + 1));
}

// trail.xml and what was put aside, oldest first.
std::vector<std::string> trailFiles(const Folder &folder) {
  std::vector<std::string> names;
  DIR *entries = opendir(folder.path.c_str());
  while (dirent *entry = readdir(entries))
    if (std::string_view(entry->d_name).substr(0, 9) == "trail.xml") names.push_back(entry->d_name);
  closedir(entries);
  std::sort(names.begin(), names.end(),
            [](const std::string &a, const std::string &b) { return lastSequence(a) < lastSequence(b); });
  for (std::string &name : names) name = folder.file(name.c_str());
  return names;
}

void limit(const Folder &folder, const char *text) {
  appendToFile(folder.file(".trail.rotation"), text);
  chmod(folder.file(".trail.rotation").c_str(), 0600);
}

void bySize() {
  Folder folder;
  limit(folder, "bytes=4000\n");
  inChild("by size", folder.path, [] { expectAppended(100, "by size"); });
  std::vector<std::string> files = trailFiles(folder);
  expect(files.size() > 5, "files are put aside when they are full");
  expectTrail(files, 100, "by size");
  struct stat status;
  for (size_t i = 0; i + 1 < files.size(); i++)
    expect(stat(files[i].c_str(), &status) == 0 && status.st_size < 6000 && (status.st_mode & 07777) == 0600,
           "a file that was put aside is little more than full");
}

void byAge() {
  Folder folder;
  limit(folder, "seconds=2\nbytes=1000000\n");
  inChild("by age", folder.path, [] {
    expectAppended(2, "by age");
    usleep(2100 * 1000);
    expectAppended(2, "by age");
  });
  expect(trailFiles(folder).size() == 2, "a file is put aside when its first record is old enough");
  expectTrail(trailFiles(folder), 4, "by age");
}

void badLimits() {
  for (const char *text : {"", "bytes=10", "bytes=-1\n", "bytes=1\nrubbish\n", "bytes=1 \n", "bytes=\n", "BYTES=1\n"}) {
    Folder folder;
    limit(folder, text);
    inChild("bad limits", folder.path, [] { expectAppended(5, "bad limits"); });
    expect(trailFiles(folder).size() == 1, std::string("not understood: ") + text);
  }
  Folder folder;
  limit(folder, "bytes=1\n");
  chmod(folder.file(".trail.rotation").c_str(), 0666);
  inChild("others' limits", folder.path, [] { expectAppended(5, "others' limits"); });
  expect(trailFiles(folder).size() == 1, "limits that others can write are not taken");
}

void changedLimits() {
  Folder folder;
  inChild("changed limits", folder.path, [&] {
    expectAppended(5, "changed limits");
    limit(folder, "bytes=1\n");
    usleep(1100 * 1000);
    expectAppended(3, "changed limits");
  });
  expect(trailFiles(folder).size() > 1, "limits are taken up by those who write already");
  expectTrail(trailFiles(folder), 8, "changed limits");
}

void byTool() {
  Folder folder;
  char name[kRotatedNameSize];
  OpenFailure failure{};
  inChild("by tool", folder.path, [&] {
    expectAppended(3, "by tool");
    expect(rotateTrail({folder.path.c_str(), false}, name, &failure) && name[0], "put aside beside a writer");
    expect(rotateTrail({folder.path.c_str(), false}, name, &failure) && !name[0], "an empty file stays");
    expectAppended(3, "by tool");
    expect(appendNotice({folder.path.c_str(), false}, "kind", "text & more", &failure), "a notice beside a writer");
    expectAppended(1, "by tool");
  });
  std::vector<std::string> files = trailFiles(folder);
  expect(files.size() == 2, "two files");
  expectTrail(files, 8, "by tool");
  expect(readTrail({files[0]}).records == 3, "nobody writes on in the old file");
  expect(contains(readFile(files[1]), "<kind>kind</kind>") || contains(readFile(files[1]), "text &amp; more"),
         "the notice is there");
}

void lockedFolder() {
  if (geteuid() != 0) return;
  Folder folder;
  limit(folder, "bytes=1000\n");
  inChild("locked folder", folder.path, [&] {
    chmod(folder.path.c_str(), 0700);
    expectAppended(1, "locked folder");
    chown(folder.path.c_str(), 0, 0);
    if (seteuid(65534) != 0) _exit(1);
    // What is open can be written, but nothing can be renamed any more.
    expectAppended(20, "locked folder");
  });
  expectTrail(trailFiles(folder), 21, "locked folder");
}

void manyWriters() {
  Folder folder;
  limit(folder, "bytes=20000\n");
  std::vector<pid_t> writers;
  const auto write = [] {
    for (int i = 0; i < 400; i++) appendRecord();
  };
  for (int i = 0; i < 4; i++) {
    pid_t child = fork();
    if (child == 0) {
      Trail::afterForkInChild();
      Trail::configure({folder.path.c_str(), false, false, false});
      std::thread other(write);
      write();
      other.join();
      _exit(0);
    }
    writers.push_back(child);
  }
  char name[kRotatedNameSize];
  OpenFailure failure{};
  for (int i = 0; i < 50; i++) {
    expect(rotateTrail({folder.path.c_str(), false}, name, &failure), "put aside while others write");
    usleep(2000);
  }
  for (pid_t writer : writers) waitpid(writer, nullptr, 0);
  expectTrail(trailFiles(folder), 4 * 2 * 400, "many writers");
}

// Killed at any point, put aside or not: what was written is there, and the chain goes on.
void killedWriters() {
  Folder folder;
  limit(folder, "bytes=3000\n");
  for (int i = 0; i < 60; i++) {
    int told[2];
    if (pipe(told) != 0) abort();
    pid_t child = fork();
    if (child == 0) {
      Trail::afterForkInChild();
      Trail::configure({folder.path.c_str(), false, false, false});
      while (true) {
        appendRecord();
        if (write(told[1], "", 1) != 1) _exit(1);
      }
    }
    // However slow the machine is, some records are written before.
    char written;
    for (int count = 0; count < 10; count++) expect(read(told[0], &written, 1) == 1, "the writer writes");
    usleep(static_cast<useconds_t>(i * 137));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(told[0]);
    close(told[1]);
  }
  inChild("after kills", folder.path, [] { expectAppended(2, "after kills"); });
  Reading reading = readTrail(trailFiles(folder));
  expect(reading.chained && reading.complete && reading.foreign == 0 && reading.records > 100, "killed writers");
  expect(trailFiles(folder).size() > 20, "files were put aside in between");
}

}  // namespace

int main() {
  bySize();
  byAge();
  badLimits();
  changedLimits();
  byTool();
  lockedFolder();
  manyWriters();
  killedWriters();
  return finish();
}
