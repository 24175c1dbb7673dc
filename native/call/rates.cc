#include "call/rates.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "call/policy_set.h"
#include "call/rate_file.h"
#include "call/recorder.h"
#include "call/settings.h"
#include "sys/clock.h"
#include "sys/errno_guard.h"
#include "sys/identity.h"
#include "sys/private_file.h"

namespace virtshim {
namespace {

using policy::Tri;
using policy::image::Per;
using policy::image::Rate;

constexpr char kSystemFolder[] = "/var/lib/virtshim";
constexpr int64_t kNoticeEveryMs = 60 * 1000;

// A thread that is cancelled in here would keep a descriptor, and the lock with it.
class NoCancel {
 public:
  NoCancel() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancel() { pthread_setcancelstate(before_, nullptr); }
  NoCancel(const NoCancel &) = delete;
  NoCancel &operator=(const NoCancel &) = delete;

 private:
  int before_;
};

bool holds(const ActivePolicy *entry, const Rate &rate) {
  if (!entry || !entry->usable) return false;
  const auto &view = entry->policy.view();
  const auto first = reinterpret_cast<uintptr_t>(view.rates), at = reinterpret_cast<uintptr_t>(&rate);
  return at >= first && at < first + view.body->rates.count * sizeof(Rate);
}

// Where a call is counted. The file of a policy that the environment names is apart from the host policy's, so that no
// policy can be written that fills up the host's.
struct Place {
  char folder[PATH_MAX];
  char file[64];
  bool shared;  // with other users, as far as the folder's mode lets them
};

bool findPlace(const Rate &rate, uint32_t subject, Place *out) {
  const bool own = holds(policiesInForce().own, rate), perHost = rate.per == Per::Host;
  out->shared = !own && perHost;
  char state[PATH_MAX];
  const bool system = out->shared || geteuid() == 0;
  if (!system && !userStateFolder(state, sizeof state)) return false;
  const char *group = perHost ? "host" : "subject";
  const int length =
      snprintf(out->folder, sizeof out->folder, "%s/rates/%s", system ? kSystemFolder : state, own ? "own" : group);
  const auto key = static_cast<unsigned long long>(rate.key);
  snprintf(out->file, sizeof out->file, perHost ? "%016llx-%u" : "%016llx-%u-%u", key, rate.calls, subject);
  return length < static_cast<int>(sizeof out->folder);
}

const char *idOf(const policy::Policy &policy, const Rate &rate) {
  const auto &view = policy.view();
  const auto index = static_cast<uint32_t>(&rate - view.rates);
  for (uint32_t i = 0; i < view.body->rules.count; ++i) {
    const auto &range = view.rules[i].conditions;
    for (uint32_t at = range.first; at < range.first + range.count; ++at) {
      const auto &condition = view.conditions[at];
      if (condition.kind == policy::image::ConditionKind::Rate && condition.first == index) return policy.ruleId(i);
    }
  }
  return "";
}

Tri unknown(const Rate &rate, const char *where, const char *why) {
  static std::atomic<int64_t> nextMs{0};
  const int64_t now = monotonicCoarseMs();
  if (now < nextMs.exchange(now + kNoticeEveryMs)) return Tri::Unknown;
  const PolicySet &policies = policiesInForce();
  const ActivePolicy *entry = holds(policies.own, rate) ? policies.own : policies.host;
  const bool known = holds(entry, rate);
  char text[512];
  snprintf(text, sizeof text, "the limit of rule `%s` cannot be counted: `%.300s`: %s",
           known ? idOf(entry->policy, rate) : "", where, why);
  recordNotice("rate-unknown", text, known ? entry->digest : "");
  return Tri::Unknown;
}

int openPlace(const Place &place, OpenFailure *failure) {
  constexpr int kFlags = O_RDWR | O_CREAT;
  const int folder =
      place.shared ? openSharedFolder(place.folder, failure) : openPrivateFolder(place.folder, false, failure);
  if (folder < 0) return -1;
  bool created;
  const int fd = place.shared ? openSharedFile(folder, place.file, kFlags, failure)
                              : openPrivateFile(folder, place.file, kFlags, false, &created, failure);
  close(folder);
  return fd;
}

const char *describe(Counted counted, int error) {
  if (counted == Counted::Busy) return "another process holds it";
  if (counted == Counted::Damaged) return "it is damaged, remove it";
  if (counted == Counted::NoClock) return "the kernel's clocks cannot be read";
  return strerror(error);
}

Tri countIn(const Rate &rate, const Place &place) {
  char path[PATH_MAX + sizeof place.file];
  snprintf(path, sizeof path, "%s/%s", place.folder, place.file);
  OpenFailure failure{};
  const int fd = openPlace(place, &failure);
  if (fd < 0) return unknown(rate, path, failure.detail ? failure.detail : strerror(failure.error));
  const Counted counted = countCall(fd, {rate.calls, rate.seconds});
  const int error = errno;
  close(fd);
  if (counted == Counted::Yes) return Tri::No;
  return counted == Counted::LimitReached ? Tri::Yes : unknown(rate, path, describe(counted, error));
}

}  // namespace

Tri countAgainst(const Rate &rate, const RateSubject &subject) {
  ErrnoGuard guard;
  NoCancel noCancel;
  if (rate.calls == 0) return Tri::Yes;
  if (rate.calls > kMaxRateCalls) return unknown(rate, "", "it is too high");
  if (rate.per == Per::Subject && !subject.auid.known)
    return unknown(rate, "/proc/thread-self/loginuid", "the login user is not known");
  Place place;
  const bool loggedIn = subject.auid.known && subject.auid.value != kUnsetId;
  if (!findPlace(rate, loggedIn ? subject.auid.value : subject.uid, &place))
    return unknown(rate, "XDG_STATE_HOME", "neither this variable nor HOME names a folder");
  return countIn(rate, place);
}

}  // namespace virtshim
