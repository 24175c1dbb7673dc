#include "call/policy_set.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "audit/trail.h"
#include "call/interest.h"
#include "call/recorder.h"
#include "call/settings.h"
#include "sys/errno_guard.h"
#include "sys/pages.h"
#include "sys/trusted_file.h"
#include "sys/visible_name.h"

namespace virtshim {

std::atomic<int64_t> nextLookMs{INT64_MAX};

namespace {

using policy::Mode;

constexpr size_t kImageLimit = 64u << 20;
constexpr int64_t kLookEveryMs = 400;

// What tells a file from the one that replaces it.
struct FileState {
  bool present = false;
  struct stat stat = {};

  bool operator==(const FileState &other) const {
    auto sameTime = [](const timespec &a, const timespec &b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; };
    return present == other.present && stat.st_dev == other.stat.st_dev && stat.st_ino == other.stat.st_ino &&
           stat.st_size == other.stat.st_size && sameTime(stat.st_mtim, other.stat.st_mtim) &&
           sameTime(stat.st_ctim, other.stat.st_ctim);
  }
};

// A host policy that was in force once may come back: it is kept in any case.
struct HostPolicy {
  ActivePolicy entry;
  HostPolicy *next = nullptr;
};

std::atomic<const PolicySet *> inForce{nullptr};
Mode withoutPolicy = Mode::Enforcing;
char trailFolder[PATH_MAX];
pthread_once_t once = PTHREAD_ONCE_INIT;

// Of the one thread that looks.
std::atomic<pid_t> looking{0};
FileState seen;
HostPolicy *hostPolicies = nullptr;
void *shownHost = nullptr;

bool parseMode(const char *text, Mode *mode) {
  if (!text) return false;
  if (strcmp(text, "enforcing") == 0)
    *mode = Mode::Enforcing;
  else if (strcmp(text, "permissive") == 0)
    *mode = Mode::Permissive;
  else if (strcmp(text, "disabled") == 0)
    *mode = Mode::Disabled;
  else
    return false;
  return true;
}

void writeHex(const uint8_t *bytes, size_t count, char *out) {
  for (size_t i = 0; i < count; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

// A usable image stays for the life of the process: records and messages point into it.
void loadImage(const char *path, ActivePolicy *out) {
  TrustedFile file = readTrustedFile(path, kImageLimit);
  if (!file.data) {
    snprintf(out->why, sizeof out->why, "the policy cannot be used: %s", file.why);
    return;
  }
  policy::ImageError error = policy::Policy::load(file.data, file.size, &out->policy);
  if (error != policy::ImageError::Ok) {
    snprintf(out->why, sizeof out->why, "the policy cannot be used: %s: `%.160s`", policy::describe(error), path);
    free(file.data);
    return;
  }
  out->image = file.data;
  out->usable = true;
  out->mode = out->policy.mode();
  writeHex(out->policy.digest(), 8, out->digest);
}

// The environment may say how its own policy is applied; a host policy it can only make stricter.
void applyModeOverride(ActivePolicy *entry, bool host) {
  Mode asked;
  if (!parseMode(setting("VIRTSHIM_MODE"), &asked)) return;
  if (!host || asked < entry->mode) entry->mode = asked;
}

// Another error than "no such file" means a host policy may well be there: fail closed.
FileState hostFile() {
  FileState state;
  state.present = stat(kHostPolicyPath, &state.stat) == 0 || (errno != ENOENT && errno != ENOTDIR);
  return state;
}

HostPolicy *findHostPolicy(HostPolicy *from, const char *digest) {
  while (from && !(from->entry.usable && strcmp(from->entry.digest, digest) == 0)) from = from->next;
  return from;
}

// nullptr where there is no memory.
const ActivePolicy *loadHostPolicy() {
  auto *host = newOnPages<HostPolicy>();
  if (!host) return nullptr;
  loadImage(kHostPolicyPath, &host->entry);
  applyModeOverride(&host->entry, true);
  host->next = hostPolicies;
  hostPolicies = host;
  return &host->entry;
}

void show(const char *whose, const ActivePolicy &entry, void **shown) {
  char name[64];
  snprintf(name, sizeof name, "virtshim:%s=%s", whose, entry.usable ? entry.digest : "unusable");
  void *before = *shown;
  *shown = showName(name);
  hideName(before);
}

void defaultTrail() {
  if (geteuid() == 0)
    snprintf(trailFolder, sizeof trailFolder, "/var/log/virtshim");
  else
    userStateFolder(trailFolder, sizeof trailFolder);
}

const char *trailOf(const ActivePolicy *entry) { return entry && entry->usable ? entry->policy.trail() : ""; }

// A host policy fixes where root's records go: a trail chosen by the environment would hide them.
void chooseTrail(const PolicySet &set) {
  const char *asked = setting("VIRTSHIM_TRAIL");
  const char *ofHost = trailOf(set.host), *ofOwn = trailOf(set.own);
  if (*ofHost)
    snprintf(trailFolder, sizeof trailFolder, "%s", ofHost);
  else if (set.host && geteuid() == 0)
    defaultTrail();
  else if (asked)
    snprintf(trailFolder, sizeof trailFolder, "%s", asked);
  else if (*ofOwn)
    snprintf(trailFolder, sizeof trailFolder, "%s", ofOwn);
  else
    defaultTrail();
}

void configureTrail(const PolicySet &set) {
  bool netlink = set.count == 0, fileAlways = false;
  for (const ActivePolicy *entry : set) {
    netlink = netlink || !entry->usable || entry->policy.auditNetlink();
    fileAlways = fileAlways || (entry->usable && entry->policy.auditFileAlways());
  }
  audit::Trail::configure({trailFolder, netlink, fileAlways, geteuid() == 0});
}

void reportUnusable(const PolicySet &set) {
  for (const ActivePolicy *entry : set) {
    if (!entry->usable && entry->mode != Mode::Disabled) recordNotice("policy-unusable", entry->why, "");
  }
}

void loadOnce() {
  ErrnoGuard guard;
  static PolicySet set;
  static ActivePolicy own, hostWithoutMemory;
  parseMode(setting("VIRTSHIM_MODE"), &withoutPolicy);
  seen = hostFile();
  if (seen.present) {
    set.host = loadHostPolicy();
    if (!set.host)
      snprintf(hostWithoutMemory.why, sizeof hostWithoutMemory.why, "the policy cannot be used: no memory");
    if (!set.host) set.host = &hostWithoutMemory;
    set.add(set.host);
    show("host", *set.host, &shownHost);
  }
  if (const char *path = setting("VIRTSHIM_POLICY")) {
    static void *shownOwn;
    loadImage(path, &own);
    applyModeOverride(&own, false);
    set.add(set.own = &own);
    show("own", own, &shownOwn);
  }
  chooseTrail(set);
  configureTrail(set);
  inForce.store(&set);
  nextLookMs.store(monotonicCoarseMs() + kLookEveryMs, std::memory_order_relaxed);
  reportUnusable(set);
}

// In force from here on: the next call of every function works its interest out anew.
void publish(const PolicySet *set) {
  inForce.store(set);
  for (auto &interest : interests) interest.store(0);
}

void reportTaken(const PolicySet &before, const ActivePolicy &now) {
  char text[400], old[120] = "no policy";
  if (before.host && before.host->usable)
    snprintf(old, sizeof old, "policy `%s` (%s)", before.host->policy.name(), before.host->digest);
  else if (before.host)
    snprintf(old, sizeof old, "a policy that could not be used");
  snprintf(text, sizeof text, "policy `%s` (%s) of the host is in force in place of %s", now.policy.name(), now.digest,
           old);
  recordNotice("policy-loaded", text, now.digest);
}

void reportKept(const char *why) {
  const ActivePolicy *kept = policiesInForce().host;
  char text[480];
  if (kept->usable)
    snprintf(text, sizeof text, "%s; policy `%s` (%s) stays in force", why, kept->policy.name(), kept->digest);
  else
    snprintf(text, sizeof text, "%s; every call stays refused", why);
  recordNotice("policy-kept", text, kept->digest);
}

void dropNewest() {
  HostPolicy *newest = hostPolicies;
  hostPolicies = newest->next;
  free(newest->entry.image);
  deleteOnPages(newest);
}

// nullptr where the file holds nothing that could be used. An image that was in force before is the one of then.
const ActivePolicy *readReplacement() {
  HostPolicy *before = hostPolicies;
  const ActivePolicy *fresh = loadHostPolicy();
  if (!fresh) return nullptr;
  if (!fresh->usable) reportKept(fresh->why);
  const HostPolicy *known = fresh->usable ? findHostPolicy(before, fresh->digest) : nullptr;
  if (fresh->usable && !known) return fresh;
  dropNewest();
  return known ? &known->entry : nullptr;
}

bool takeUpReplacement() {
  const PolicySet &before = policiesInForce();
  const ActivePolicy *now = readReplacement();
  if (!now || now == before.host) return false;
  auto *set = newOnPages<PolicySet>();
  if (!set) return false;
  set->host = now;
  set->own = before.own;
  set->add(set->host);
  if (set->own) set->add(set->own);
  publish(set);
  show("host", *now, &shownHost);
  reportTaken(before, *now);
  return true;
}

// A child of a fork has none of its parent's other threads: one that was looking never ends there.
bool beginLooking() {
  const pid_t self = getpid();
  pid_t other = looking.load(std::memory_order_relaxed);
  return other != self && looking.compare_exchange_strong(other, self, std::memory_order_acquire);
}

}  // namespace

void loadPolicies() { pthread_once(&once, loadOnce); }

const PolicySet &policiesInForce() { return *inForce.load(); }

policy::Mode modeWithoutPolicy() { return withoutPolicy; }

bool lookAtHostPolicy() {
  ErrnoGuard guard;
  if (!beginLooking()) return false;
  nextLookMs.store(monotonicCoarseMs() + kLookEveryMs, std::memory_order_relaxed);
  const FileState now = hostFile();
  bool taken = false;
  if (!(now == seen)) {
    seen = now;
    if (now.present)
      taken = takeUpReplacement();
    else if (policiesInForce().host)
      reportKept("the host's policy is gone");
  }
  looking.store(0, std::memory_order_release);
  return taken;
}

}  // namespace virtshim
