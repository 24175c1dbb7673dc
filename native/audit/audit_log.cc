#include "audit/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "audit/text.h"
#include "sys/clock.h"
#include "sys/errno_guard.h"

namespace virtshim::audit {
namespace {

constexpr size_t kMaxLine = 8969;  // what ausearch reads of a line
constexpr int64_t kLockNs = int64_t{1} * 1000000000;
constexpr int64_t kPathCheckMs = 1000;

// All but the first two are used under the state's text lock only.
const char *g_directory = nullptr;
bool g_groupReadable = false;
int g_fd = -1;
FileId g_file{};
int64_t g_nextPathCheckMs = 0;
bool g_tornTail = false;  // a line that could not be cut back: the next one starts on a line of its own

void closeOurs() {
  if (g_fd >= 0 && fileIdOf(g_fd) == g_file) close(g_fd);
  g_fd = -1;
}

int reopen() {
  closeOurs();
  OpenFailure failure{};
  int folder = openPrivateFolder(g_directory, g_groupReadable, &failure);
  if (folder < 0) return failure.error;
  bool created;
  g_fd = openPrivateFile(folder, "audit.log", O_WRONLY | O_APPEND | O_CREAT, g_groupReadable, &created, &failure);
  close(folder);
  if (g_fd < 0) return failure.error;
  g_file = fileIdOf(g_fd);
  return 0;
}

bool movedAway() {
  int64_t now = monotonicCoarseMs();
  if (now < g_nextPathCheckMs) return false;
  g_nextPathCheckMs = now + kPathCheckMs;
  char path[4096 + 16];
  size_t length = strnlen(g_directory, 4096);
  memcpy(path, g_directory, length);
  memcpy(path + length, "/audit.log", sizeof "/audit.log");
  return namesAnother(path, g_file);
}

int ready(FileStatus *status) {
  bool ours = statusOf(g_fd, status) && status->id == g_file && status->links > 0;
  if (ours && !movedAway()) return 0;
  if (int error = reopen()) return error;
  return statusOf(g_fd, status) ? 0 : errno;
}

size_t writeLine(char *line, uint32_t serial, std::string_view origin, std::string_view text) {
  char *p = line;
  auto put = [&p](std::string_view part) {
    memcpy(p, part.data(), part.size());
    p += part.size();
  };
  auto putNumber = [&put](uint64_t value, int digits) {
    char text[20];
    int at = 20;
    do text[--at] = static_cast<char>('0' + value % 10);
    while ((value /= 10) || 20 - at < digits);
    put({text + at, static_cast<size_t>(20 - at)});
  };
  uint64_t now = static_cast<uint64_t>(realtimeNs());
  put("type=VIRT_CONTROL msg=audit(");
  putNumber(now / 1000000000, 1);
  put(".");
  putNumber(now / 1000000 % 1000, 3);
  put(":");
  putNumber(serial, 1);
  put("): ");
  put(origin);
  put(" msg='");
  put(text);
  put("'\n");
  return static_cast<size_t>(p - line);
}

int appendLocked(SharedState *state, std::string_view origin, std::string_view text) {
  FileStatus status;
  if (int error = ready(&status)) return error;
  char line[kMaxLine + 2];
  size_t skip = g_tornTail ? 0 : 1;
  line[0] = '\n';
  size_t size = 1 + writeLine(line + 1, state->nextSerial(), origin, text);
  int error;
  size_t wrote = appendQuietly(g_fd, line + skip, size - skip, &error);
  if (wrote == size - skip) {
    g_tornTail = false;
    return 0;
  }
  if (wrote > 0 && ftruncate(g_fd, static_cast<off_t>(status.size)) != 0) g_tornTail = true;
  return error;
}

}  // namespace

void auditLogConfigure(const char *directory, bool groupReadable) {
  g_directory = directory;
  g_groupReadable = groupReadable;
}

int auditLogAppend(SharedState *state, std::string_view origin, std::string_view text) {
  ErrnoGuard guard;
  if (origin.size() + text.size() + 128 > kMaxLine) return EMSGSIZE;
  if (!g_directory) return ENOENT;
  int64_t now = monotonicNs();
  LockResult locked = state->lock(LockKind::Text, kLockNs, &now);
  if (locked == LockResult::TimedOut) return ETIMEDOUT;
  if (locked == LockResult::TakenOver) g_tornTail = true;  // at worst an empty line, which audit tools skip
  int error = appendLocked(state, origin, text);
  state->unlock(LockKind::Text);
  return error;
}

void auditLogAfterFork() {
  ErrnoGuard guard;
  closeOurs();
  g_nextPathCheckMs = 0;
}

}  // namespace virtshim::audit
