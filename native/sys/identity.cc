#include "sys/identity.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sys/errno_guard.h"

namespace virtshim {
namespace {

// What the views of the identity show.
struct Texts {
  char comm[kCommandSize + 1];
  char exe[4096];
  char terminal[kTerminalSize];
  char subj[256];
};

Identity g_identity;
Texts g_texts;
std::atomic<int> g_state{0};  // 0 unread, 1 being read, 2 read
std::atomic<uint32_t> g_forks{1};

thread_local uint32_t t_tid = 0;
thread_local uint32_t t_tidForks = 0;

// Reads a file of /proc in one piece; `out` always ends in NUL. Returns the length, or -1 and errno.
ssize_t readProc(const char *path, char *out, size_t capacity) {
  out[0] = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return -1;
  ssize_t got = read(fd, out, capacity - 1);
  int error = errno;
  close(fd);
  errno = error;
  if (got >= 0) out[got] = 0;
  return got;
}

size_t readSmall(const char *path, char *out, size_t capacity) {
  ssize_t got = readProc(path, out, capacity);
  return got > 0 ? static_cast<size_t>(got) : 0;
}

// Files of one thread. Kernels before 3.17 have no /proc/thread-self.
ssize_t readOfThread(const char *name, char *out, size_t capacity) {
  char path[64] = "/proc/thread-self/";
  ssize_t got = readProc(strcat(path, name), out, capacity);
  if (got >= 0 || errno != ENOENT) return got;
  strcpy(path, "/proc/self/");
  return readProc(strcat(path, name), out, capacity);
}

// Whether /proc is there, so that what it lacks is not there.
bool hasProc() { return access("/proc/self/stat", F_OK) == 0; }

uint32_t parseId(const char *text) {
  uint64_t value = 0;
  for (const char *p = text; *p >= '0' && *p <= '9' && value <= kUnsetId; p++) value = value * 10 + (*p - '0');
  return value <= kUnsetId ? static_cast<uint32_t>(value) : kUnsetId;
}

uint32_t readId(const char *path) {
  char text[32];
  return readSmall(path, text, sizeof text) == 0 ? kUnsetId : parseId(text);
}

// Of the kernel's line end alone: names may hold others.
void trimLine(char *text) {
  size_t size = strlen(text);
  if (size > 0 && text[size - 1] == '\n') text[size - 1] = 0;
}

void appendNumber(char *out, unsigned number) {
  char digits[12];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while (number /= 10);
  out += strlen(out);
  while (count) *out++ = digits[--count];
  *out = 0;
}

// Any other terminal has the name that the kernel's list of devices has for it.
bool nameByKernel(unsigned major, unsigned minor, char *out) {
  char path[64] = "/sys/dev/char/", target[512];
  appendNumber(path, major);
  strcat(path, ":");
  appendNumber(path, minor);
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length <= 0) return false;
  target[length] = 0;
  const char *slash = strrchr(target, '/');
  const char *name = slash ? slash + 1 : target;
  if (strlen(name) >= kTerminalSize) return false;
  strcpy(out, name);
  return true;
}

// The controlling terminal's name from its device number (Documentation/admin-guide/devices.txt of Linux).
bool nameTerminal(uint32_t device, char *out) {
  unsigned major = device >> 8 & 0xfff;
  unsigned minor = (device & 0xff) | (device >> 12 & 0xfff00);
  constexpr unsigned kTty = 4, kFirstPts = 136, kLastPts = 143, kFirstSerial = 64;
  out[0] = 0;
  if (major >= kFirstPts && major <= kLastPts) {
    strcpy(out, "pts/");
    appendNumber(out, minor + (major - kFirstPts) * 256);
  } else if (major == kTty && minor < kFirstSerial) {
    strcpy(out, "tty");
    appendNumber(out, minor);
  } else if (major == kTty) {
    strcpy(out, "ttyS");
    appendNumber(out, minor - kFirstSerial);
  } else {
    return nameByKernel(major, minor, out);
  }
  return true;
}

bool findTerminal(char *out) {
  char stat[1024];
  out[0] = 0;
  readSmall("/proc/self/stat", stat, sizeof stat);
  const char *p = strrchr(stat, ')');  // the name before it may hold anything
  for (int field = 2; p && field < 7; field++) p = strchr(p + 1, ' ');
  if (!p) return false;
  int64_t device = 0;
  for (p++; *p >= '0' && *p <= '9'; p++) device = device * 10 + (*p - '0');
  return device == 0 || nameTerminal(static_cast<uint32_t>(device), out);
}

bool holds(const gid_t *groups, int count, gid_t gid) {
  for (int i = 0; i < count; i++)
    if (groups[i] == gid) return true;
  return false;
}

void readAll(Identity *who) {
  Texts &texts = g_texts;
  who->pid = static_cast<uint32_t>(getpid());
  who->auid = readId("/proc/self/loginuid");
  who->ses = readId("/proc/self/sessionid");
  readSmall("/proc/self/comm", texts.comm, sizeof texts.comm);
  trimLine(texts.comm);
  ssize_t length = readlink("/proc/self/exe", texts.exe, sizeof texts.exe - 1);
  texts.exe[length > 0 ? length : 0] = 0;
  findTerminal(texts.terminal);
  readSmall("/proc/self/attr/current", texts.subj, sizeof texts.subj);
  trimLine(texts.subj);
  who->comm = texts.comm;
  who->exe = texts.exe;
  who->terminal = texts.terminal;
  who->subj = texts.subj;
}

}  // namespace

const Identity &identity() {
  if (g_state.load(std::memory_order_acquire) == 2) return g_identity;
  ErrnoGuard guard;
  int unread = 0;
  if (g_state.compare_exchange_strong(unread, 1)) {
    readAll(&g_identity);
    g_state.store(2, std::memory_order_release);
  }
  // Another thread is reading; it takes some tens of microseconds.
  while (g_state.load(std::memory_order_acquire) != 2) usleep(20);
  return g_identity;
}

bool readAuid(uint32_t *auid) {
  ErrnoGuard guard;
  char text[32];
  ssize_t got = readOfThread("loginuid", text, sizeof text);
  *auid = got > 0 ? parseId(text) : kUnsetId;
  return got > 0 || (got < 0 && errno == ENOENT && hasProc());
}

bool readCommand(char (&out)[kCommandSize]) {
  ErrnoGuard guard;
  // The first thread's name is the process's, and a thread may ask for its own without a file.
  if (currentTid() == identity().pid && prctl(PR_GET_NAME, out) == 0) return true;
  char text[kCommandSize + 1];
  if (readSmall("/proc/self/comm", text, sizeof text) == 0) return false;
  trimLine(text);
  memcpy(out, text, kCommandSize);
  out[kCommandSize - 1] = 0;
  return true;
}

bool readTerminal(char (&out)[kTerminalSize]) {
  ErrnoGuard guard;
  return findTerminal(out);
}

bool readLabel(char (&out)[kLabelSize]) {
  ErrnoGuard guard;
  ssize_t got = readOfThread("attr/current", out, kLabelSize);
  trimLine(out);
  if (got >= 0) return got < static_cast<ssize_t>(kLabelSize) - 1;
  // Without a security module the kernel has no such file, or nothing to say in it.
  return errno == EINVAL || (errno == ENOENT && hasProc());
}

bool executablePath(std::string_view *path) {
  constexpr std::string_view kGone = " (deleted)";
  *path = identity().exe;
  const size_t size = path->size();
  if (size == 0 || size >= sizeof g_texts.exe - 1) return false;
  return size < kGone.size() || path->substr(size - kGone.size()) != kGone;
}

uint32_t currentTid() {
  uint32_t forks = g_forks.load(std::memory_order_relaxed);
  if (t_tidForks != forks) {
    t_tid = static_cast<uint32_t>(syscall(SYS_gettid));
    t_tidForks = forks;
  }
  return t_tid;
}

uint32_t currentUid() { return geteuid(); }

bool inGroup(gid_t gid) {
  if (getegid() == gid) return true;
  ErrnoGuard guard;
  gid_t few[64];
  int count = getgroups(64, few);
  if (count >= 0) return holds(few, count, gid);
  count = getgroups(0, nullptr);
  gid_t *many = count > 0 ? static_cast<gid_t *>(malloc(sizeof(gid_t) * static_cast<size_t>(count))) : nullptr;
  bool found = many && holds(many, getgroups(count, many), gid);
  free(many);
  return found;
}

void refreshAfterFork() {
  g_forks.fetch_add(1, std::memory_order_relaxed);
  g_state.store(0, std::memory_order_release);
}

}  // namespace virtshim
