#include "policy/time_window.h"

namespace virtshim::policy {

namespace {

using namespace image;

constexpr int64_t kSecondsOfDay = 86400;
constexpr int kThursday = 3;  // 1970-01-01; Monday is 0

int64_t floorDivide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// The last transition that is not later; the first one where all are.
int32_t offsetAt(const View &view, Range transitions, int64_t utcSeconds) {
  uint32_t low = transitions.first;
  uint32_t high = transitions.first + transitions.count;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (view.transitions[middle].utcSeconds <= utcSeconds) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return view.transitions[low].offsetSeconds;
}

bool onDay(const Window &window, int64_t day) { return (window.days >> (((day + kThursday) % 7 + 7) % 7) & 1) != 0; }

}  // namespace

bool withinWindow(const View &view, const Window &window, int64_t utcSeconds) {
  // Far enough for any clock, near enough for no sum to overflow.
  constexpr int64_t kFar = int64_t{1} << 50;
  if (utcSeconds < -kFar || utcSeconds > kFar) return false;
  const int64_t local = utcSeconds + offsetAt(view, window.transitions, utcSeconds);
  const int64_t day = floorDivide(local, kSecondsOfDay);
  const int64_t minute = (local - day * kSecondsOfDay) / 60;
  if (window.from < window.to) return onDay(window, day) && minute >= window.from && minute < window.to;
  return (onDay(window, day) && minute >= window.from) || (onDay(window, day - 1) && minute < window.to);
}

}  // namespace virtshim::policy
