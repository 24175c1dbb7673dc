#include "audit/rotation.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <string_view>

#include "sys/clock.h"
#include "sys/private_file.h"

namespace virtshim::audit {
namespace {

constexpr int64_t kSecond = 1000000000;
constexpr uint64_t kMaxSeconds = uint64_t{1} << 32;

bool readNumber(std::string_view *text, uint64_t *out, size_t maxDigits) {
  size_t at = 0;
  uint64_t value = 0;
  for (; at < text->size() && at < maxDigits && (*text)[at] >= '0' && (*text)[at] <= '9'; at++)
    value = value * 10 + static_cast<uint64_t>((*text)[at] - '0');
  text->remove_prefix(at);
  *out = value;
  return at > 0;
}

// `name=N\n` at the start of the text, which it is taken off.
bool readSetting(std::string_view *text, std::string_view name, uint64_t *out) {
  if (text->size() <= name.size() || text->substr(0, name.size()) != name || (*text)[name.size()] != '=') return false;
  text->remove_prefix(name.size() + 1);
  if (!readNumber(text, out, 18) || text->empty() || text->front() != '\n') return false;
  text->remove_prefix(1);
  return true;
}

bool readFrom(int fd, char *buffer, size_t size, std::string_view *out) {
  ssize_t got = pread(fd, buffer, size, 0);
  if (got <= 0) return false;
  *out = {buffer, static_cast<size_t>(got)};
  return true;
}

bool readLimits(int folder, uint64_t *bytes, uint64_t *seconds) {
  bool created;
  OpenFailure failure;
  int fd = openPrivateFile(folder, ".trail.rotation", O_RDONLY, false, &created, &failure);
  if (fd < 0) return false;
  char buffer[128];
  std::string_view text;
  *bytes = *seconds = 0;
  bool understood = readFrom(fd, buffer, sizeof buffer, &text);
  close(fd);
  while (understood && !text.empty())
    understood = readSetting(&text, "bytes", bytes) || readSetting(&text, "seconds", seconds);
  return understood;
}

// `2026-11-23T05:30:01.` to seconds since the epoch.
bool readTime(std::string_view text, int64_t *out) {
  constexpr std::string_view kEnds = "--T::.";
  uint64_t parts[6];
  for (size_t i = 0; i < 6; i++) {
    if (!readNumber(&text, &parts[i], 4) || text.empty() || text.front() != kEnds[i]) return false;
    text.remove_prefix(1);
  }
  struct tm moment {};
  moment.tm_year = static_cast<int>(parts[0]) - 1900;
  moment.tm_mon = static_cast<int>(parts[1]) - 1;
  moment.tm_mday = static_cast<int>(parts[2]);
  moment.tm_hour = static_cast<int>(parts[3]);
  moment.tm_min = static_cast<int>(parts[4]);
  moment.tm_sec = static_cast<int>(parts[5]);
  *out = timegm(&moment);
  return true;
}

// How old the file's first record is; 0 where it has none, or one of the future.
int64_t ageNs(int trail) {
  constexpr std::string_view kTime = " time=\"";
  char buffer[256];
  std::string_view text;
  int64_t begun;
  if (!readFrom(trail, buffer, sizeof buffer, &text)) return 0;
  size_t at = text.find(kTime);
  if (at == std::string_view::npos || !readTime(text.substr(at + kTime.size()), &begun)) return 0;
  int64_t age = realtimeNs() - begun * kSecond;
  return age > 0 ? age : 0;
}

}  // namespace

void rotatedName(const char *file, int64_t realtimeNs, uint64_t lastSequence, char (&out)[kRotatedNameSize]) {
  const time_t seconds = realtimeNs / kSecond;
  struct tm moment;
  char *p = out;
  auto put = [&p](const char *text) {
    while (*text) *p++ = *text++;
  };
  auto putNumber = [&p](uint64_t value, int digits) {
    char text[20];
    int at = 20;
    do text[--at] = static_cast<char>('0' + value % 10);
    while ((value /= 10) || 20 - at < digits);
    while (at < 20) *p++ = text[at++];
  };
  gmtime_r(&seconds, &moment);
  put(file);
  put("-");
  putNumber(static_cast<uint64_t>(moment.tm_year + 1900), 4);
  putNumber(static_cast<uint64_t>(moment.tm_mon + 1), 2);
  putNumber(static_cast<uint64_t>(moment.tm_mday), 2);
  put("T");
  putNumber(static_cast<uint64_t>(moment.tm_hour), 2);
  putNumber(static_cast<uint64_t>(moment.tm_min), 2);
  putNumber(static_cast<uint64_t>(moment.tm_sec), 2);
  put("Z-");
  putNumber(lastSequence, 1);
  *p = 0;
}

void RotationDue::read(int folder, int trail, int64_t nowNs) {
  uint64_t bytes, seconds;
  never();
  if (!readLimits(folder, &bytes, &seconds)) return;
  if (bytes > 0) bytes_ = bytes;
  if (seconds > 0 && seconds < kMaxSeconds) dueNs_ = nowNs + static_cast<int64_t>(seconds) * kSecond - ageNs(trail);
}

}  // namespace virtshim::audit
