// What other people do to a trail's files while it is written, and where a trail is refused.
#include <limits.h>
#include <sys/mount.h>

#include "audit_trail_support.h"

using namespace virtshim;
using namespace virtshim::audit;
using namespace virtshim::test;

namespace {

void freshTrail() {
  Folder folder;
  std::string sub = folder.file("a/b");
  inChild("fresh", sub, [] { expectAppended(100, "fresh"); });
  expectTrail({sub + "/trail.xml"}, 100, "fresh");
  struct stat status;
  for (const char *name : {"trail.xml", ".trail.state", "trail.key"}) {
    expect(stat((sub + "/" + name).c_str(), &status) == 0 && (status.st_mode & 07777) == 0600,
           std::string("mode of ") + name);
  }
  expect(stat(sub.c_str(), &status) == 0 && (status.st_mode & 07777) == 0700, "mode of the folder");
}

void groupReadable() {
  Folder folder;
  std::string sub = folder.file("trail");
  inChild("group", sub, [&] {
    umask(0177);
    Trail::configure({sub.c_str(), false, true, true});
    expectAppended(1, "group");
  });
  struct stat status;
  for (const char *name : {"trail.xml", "audit.log"})
    expect(stat((sub + "/" + name).c_str(), &status) == 0 && (status.st_mode & 07777) == 0640,
           std::string("group mode of ") + name);
  expect(stat((sub + "/trail.key").c_str(), &status) == 0 && (status.st_mode & 07777) == 0600,
         "the key is the owner's");
}

void removedFile() {
  Folder folder;
  inChild("removed", folder.path, [&] {
    expectAppended(3, "removed");
    rename(folder.file("trail.xml").c_str(), folder.file("kept").c_str());
    link(folder.file("kept").c_str(), folder.file("copy").c_str());
    unlink(folder.file("kept").c_str());
    unlink(folder.file("copy").c_str());
    usleep(2000);
    expectAppended(2, "removed");
  });
  std::string text = readFile(folder.file("trail.xml"));
  expect(contains(text, " seq=\"4\"") && contains(text, " seq=\"5\"") && !contains(text, " seq=\"3\""),
         "a new file goes on");
}

void rotatedFile() {
  Folder folder;
  inChild("rotated", folder.path, [&] {
    expectAppended(3, "rotated");
    rename(folder.file("trail.xml").c_str(), folder.file("trail.xml.1").c_str());
    expectAppended(1, "rotated");
    usleep(1100 * 1000);
    expectAppended(2, "rotated");
    // Another process, which has never seen the old file.
    inChild("rotated child", folder.path, [] { expectAppended(2, "rotated child"); });
    expectAppended(2, "rotated");
  });
  expectTrail({folder.file("trail.xml.1"), folder.file("trail.xml")}, 10, "rotated");
  expect(readTrail({folder.file("trail.xml.1")}).records == 4, "the old file is kept for a second at most");
}

void incompleteLine() {
  Folder folder;
  inChild("incomplete", folder.path, [&] {
    expectAppended(2, "incomplete");
    appendToFile(folder.file("trail.xml"), "<methodcall rid=\"0123");
    expectAppended(2, "incomplete");
  });
  expectTrail({folder.file("trail.xml")}, 4, "incomplete");
}

void foreignLine() {
  Folder folder;
  inChild("foreign", folder.path, [&] {
    expectAppended(2, "foreign");
    appendToFile(folder.file("trail.xml"), "<methodcall/>\n");
    expectAppended(2, "foreign");
  });
  Reading reading = readTrail({folder.file("trail.xml")});
  expect(reading.records == 4 && reading.chained && reading.foreign == 1, "a foreign line stays, the chain goes on");
}

void truncatedFile() {
  Folder folder;
  inChild("truncated", folder.path, [&] {
    expectAppended(3, "truncated");
    struct stat status;
    stat(folder.file("trail.xml").c_str(), &status);
    expect(truncate(folder.file("trail.xml").c_str(), status.st_size - 10) == 0, "truncate");
    expectAppended(1, "truncated");
  });
  std::string text = readFile(folder.file("trail.xml"));
  expect(text.back() == '\n' && contains(text, "\n<methodresponse rid=\"") && contains(text, " seq=\"4\""),
         "a record on a line of its own");
  expect(!readTrail({folder.file("trail.xml")}).chained, "and the cut shows");
}

void lostState() {
  Folder folder;
  inChild("lost state", folder.path, [&] { expectAppended(3, "lost state"); });
  unlink(folder.file(".trail.state").c_str());
  inChild("lost state", folder.path, [&] {
    expectAppended(2, "lost state");
    unlink(folder.file(".trail.state").c_str());
    usleep(1100 * 1000);
    expectAppended(2, "lost state");
    inChild("lost state child", folder.path, [] { expectAppended(2, "lost state child"); });
    expectAppended(2, "lost state");
  });
  expectTrail({folder.file("trail.xml")}, 11, "lost state");
}

void brokenState() {
  Folder folder;
  inChild("broken state", folder.path, [&] { expectAppended(3, "broken state"); });
  std::string state = readFile(folder.file(".trail.state"));
  uint64_t random = 88172645463325252;
  uint64_t written = 3;
  for (int round = 0; round < 200; round++) {
    std::string bad = state;
    // Every other round keeps the magic number, so that what is behind it is believed first.
    for (size_t i = round % 2 ? 16 : 0; i < bad.size(); i++) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      if (round % 4 < 2 || random % 16 == 0) bad[i] = static_cast<char>(random >> 32);
    }
    if (round % 5 == 4) bad.resize(static_cast<size_t>(random % bad.size()));
    std::ofstream(folder.file(".trail.state"), std::ios::binary | std::ios::trunc) << bad;
    inChild("broken state", folder.path, [] { expectAppended(1, "broken state"); });
    written++;
  }
  expectTrail({folder.file("trail.xml")}, written, "broken state");
}

// The host may close every descriptor and use the numbers for its own files.
void closedDescriptors() {
  Folder folder;
  std::string victim = folder.file("victim");
  inChild("closed", folder.path, [&] {
    expectAppended(2, "closed");
    for (int fd = 3; fd < 1024; fd++) close(fd);
    int other = open(victim.c_str(), O_RDWR | O_CREAT, 0600);
    for (int fd = 690; fd < 760; fd++) dup2(other, fd);
    expectAppended(2, "closed");
    expect(lseek(other, 0, SEEK_END) == 0, "the host's file is untouched");
    for (int fd = 690; fd < 705; fd++) expect(fcntl(fd, F_GETFD) >= 0, "the host's descriptors stay open");
  });
  expectTrail({folder.file("trail.xml")}, 4, "closed");
}

// The same right after a record, when the file is not looked at in full: what got the number has the trail's size.
void reusedDescriptor() {
  Folder folder;
  std::string trail = folder.file("trail.xml"), copy = folder.file("copy");
  inChild("reused", folder.path, [&] {
    expectAppended(1, "reused");
    int ours = 2;
    char target[PATH_MAX];
    do {
      ssize_t length = readlink(("/proc/self/fd/" + std::to_string(++ours)).c_str(), target, sizeof target);
      if (length > 0 && std::string_view(target, static_cast<size_t>(length)) == trail) break;
    } while (ours < 1024);
    for (off_t position : {0, 1}) {
      expectAppended(1, "reused");
      std::string text = readFile(trail);
      std::ofstream(copy, std::ios::trunc) << text;
      int other = open(copy.c_str(), O_RDWR);
      lseek(other, 0, position ? SEEK_END : SEEK_SET);
      expectAppended(1, "reused");
      dup2(other, ours);
      expectAppended(1, "reused");
      expect(readFile(copy) == text, "the host's file is untouched");
    }
  });
  expectTrail({trail}, 7, "reused");
}

void refusal(const char *what, const std::string &folder, std::string_view why) {
  inChild(what, folder, [&] {
    errno = 4711;
    expect(appendRecord() == AppendResult::Failed, std::string(what) + " is refused");
    expect(errno == 4711, "errno is kept");
    expect(contains(Trail::lastFailure(), why) && contains(Trail::lastFailure(), folder), Trail::lastFailure());
  });
}

void unsafePlaces() {
  Folder folder;
  mkdir(folder.file("open").c_str(), 0700);
  chmod(folder.file("open").c_str(), 0777);
  refusal("folder open to all", folder.file("open"), "the folder is writable by others");
  refusal("on the way open to all", folder.file("open/x"), "a folder on the way is writable by all");
  mkdir(folder.file("link").c_str(), 0700);
  symlink("/etc/passwd", folder.file("link/trail.xml").c_str());
  refusal("symbolic link", folder.file("link"), "Too many levels of symbolic links");
  mkdir(folder.file("names").c_str(), 0700);
  appendToFile(folder.file("other"), "");
  chmod(folder.file("other").c_str(), 0600);
  link(folder.file("other").c_str(), folder.file("names/trail.xml").c_str());
  refusal("several names", folder.file("names"), "the file has several names");
  mkdir(folder.file("fifo").c_str(), 0700);
  mkfifo(folder.file("fifo/.trail.state").c_str(), 0600);
  refusal("a fifo", folder.file("fifo"), "not a regular file");
  appendToFile(folder.file("file"), "");
  refusal("a file for a folder", folder.file("file"), "Not a directory");
  if (geteuid() != 0) return;
  mkdir(folder.file("theirs").c_str(), 0700);
  if (chown(folder.file("theirs").c_str(), 12345, 12345) == 0)
    refusal("another user's", folder.file("theirs"), "a folder on the way belongs to another user");
}

void linkedFolder() {
  Folder folder;
  mkdir(folder.file("real").c_str(), 0700);
  symlink("real", folder.file("alias").c_str());
  inChild("alias", folder.file("alias"), [] { expectAppended(2, "alias"); });
  expectTrail({folder.file("real/trail.xml")}, 2, "alias");
  symlink("loop", folder.file("loop").c_str());
  refusal("endless link", folder.file("loop"), "Too many levels of symbolic links");
}

void movingHost() {
  Folder folder;
  inChild("relative", folder.path, [&] {
    expect(chdir(folder.path.c_str()) == 0, "chdir");
    Trail::configure({"trail", false, false, false});
    expectAppended(1, "relative");
    expect(chdir("/") == 0, "chdir");
    usleep(1100 * 1000);
    expectAppended(1, "relative");
  });
  expectTrail({folder.file("trail/trail.xml")}, 2, "relative");
}

void readOnlyDisk() {
  Folder folder;
  if (mount("none", folder.path.c_str(), "tmpfs", 0, "size=1m,mode=700") != 0) {
    printf("skipped: read-only disk (mount: %s)\n", strerror(errno));
    return;
  }
  inChild("read-only", folder.path, [&] { expectAppended(2, "read-only"); });
  mount(nullptr, folder.path.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, "size=1m");
  refusal("read-only disk", folder.path, "Read-only file system");
  expectTrail({folder.file("trail.xml")}, 2, "read-only");
  umount2(folder.path.c_str(), MNT_DETACH);
}

}  // namespace

int main() {
  freshTrail();
  groupReadable();
  removedFile();
  rotatedFile();
  incompleteLine();
  foreignLine();
  truncatedFile();
  lostState();
  brokenState();
  closedDescriptors();
  reusedDescriptor();
  unsafePlaces();
  linkedFolder();
  movingHost();
  readOnlyDisk();
  return finish();
}
