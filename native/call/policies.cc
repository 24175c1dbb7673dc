#include "call/policies.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "audit/trail.h"
#include "call/interest.h"
#include "call/recorder.h"
#include "call/settings.h"
#include "libvirt/unknown_functions.h"
#include "sys/errno_guard.h"
#include "sys/trusted_file.h"

namespace virtshim {
namespace {

using policy::AuditLevel;
using policy::Effect;
using policy::Mode;

constexpr size_t kImageLimit = 64u << 20;

struct ActivePolicy {
  policy::Policy policy;
  Mode mode = Mode::Enforcing;
  bool usable = false;
  char digest[17] = "";
  char why[320] = "";  // why it is not usable
};

ActivePolicy active[2];
int activeCount;
Mode modeWithoutPolicy = Mode::Enforcing;
char trailFolder[PATH_MAX];
pthread_once_t once = PTHREAD_ONCE_INIT;

const ActivePolicy *begin() { return active; }
const ActivePolicy *end() { return active + activeCount; }

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
  // The image stays for the life of the process: records and messages point into it.
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

ActivePolicy *addPolicy(const char *path, bool host) {
  ActivePolicy *entry = &active[activeCount++];
  loadImage(path, entry);
  applyModeOverride(entry, host);
  return entry;
}

// Another error than "no such file" means a host policy may well be there: fail closed.
bool hostPolicyExists() { return access(kHostPolicyPath, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR); }

void defaultTrail() {
  const char *state = setting("XDG_STATE_HOME"), *home = setting("HOME");
  if (geteuid() == 0)
    snprintf(trailFolder, sizeof trailFolder, "/var/log/virtshim");
  else if (state && *state == '/')
    snprintf(trailFolder, sizeof trailFolder, "%s/virtshim", state);
  else if (home)
    snprintf(trailFolder, sizeof trailFolder, "%s/.local/state/virtshim", home);
}

// A host policy fixes where root's records go: a trail chosen by the environment would hide them.
void chooseTrail(const ActivePolicy *host) {
  const char *asked = setting("VIRTSHIM_TRAIL");
  const char *ofHost = host && host->usable ? host->policy.trail() : "";
  const char *ofOwn = activeCount && end()[-1].usable ? end()[-1].policy.trail() : "";
  if (*ofHost)
    snprintf(trailFolder, sizeof trailFolder, "%s", ofHost);
  else if (host && geteuid() == 0)
    defaultTrail();
  else if (asked)
    snprintf(trailFolder, sizeof trailFolder, "%s", asked);
  else if (*ofOwn)
    snprintf(trailFolder, sizeof trailFolder, "%s", ofOwn);
  else
    defaultTrail();
}

void configureTrail() {
  bool netlink = activeCount == 0, fileAlways = false;
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    netlink = netlink || !entry->usable || entry->policy.auditNetlink();
    fileAlways = fileAlways || (entry->usable && entry->policy.auditFileAlways());
  }
  audit::Trail::configure({trailFolder, netlink, fileAlways, geteuid() == 0});
}

void reportPolicies() {
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    if (!entry->usable && entry->mode != Mode::Disabled) recordNotice("policy-unusable", entry->why);
  }
}

void loadOnce() {
  ErrnoGuard guard;
  parseMode(setting("VIRTSHIM_MODE"), &modeWithoutPolicy);
  const ActivePolicy *host = hostPolicyExists() ? addPolicy(kHostPolicyPath, true) : nullptr;
  if (const char *path = setting("VIRTSHIM_POLICY")) addPolicy(path, false);
  chooseTrail(host);
  configureTrail();
  reportPolicies();
}

uint8_t levelBits(AuditLevel level) {
  if (level == AuditLevel::RequestResponse) return kRecord | kRecordCall;
  return level == AuditLevel::Response ? kRecord : 0;
}

// Without a policy, and under one that cannot be read.
uint8_t defaultRecords(const FunctionFacts &function) {
  if (function.stateChanging) return kRecord | kRecordCall;
  return function.callClass == CallClass::Connection ? kRecord : 0;
}

bool tracksConnection(FunctionId id) { return isOpen(facts(id)) || id == FunctionId::virConnectClose; }

uint8_t interestUnder(const ActivePolicy &entry, FunctionId id) {
  bool helper = facts(id).callClass == CallClass::Helper;
  if (entry.mode == Mode::Disabled) return 0;
  if (!entry.usable) {
    if (helper) return 0;
    return defaultRecords(facts(id)) | (entry.mode == Mode::Enforcing ? kRecord : 0);
  }
  uint8_t bits = helper ? 0 : levelBits(entry.policy.auditLevel(id));
  if (entry.policy.mayRefuse(id, false)) bits |= kJudge;
  if (facts(id).stateChanging && entry.policy.mayRefuse(id, true)) bits |= kJudgeNested;
  return bits;
}

void explainDenial(const ActivePolicy &entry, const policy::Decision &decision, Verdict *out) {
  const char *name = entry.policy.name();
  if (*out->rule)
    snprintf(out->reason, kReasonSize, "rule '%s' of policy '%s'", out->rule, name);
  else if (decision.permission != kNoPermission)
    snprintf(out->reason, kReasonSize, "no rule of policy '%s' allows %s", name, kPermissionNames[decision.permission]);
  else
    snprintf(out->reason, kReasonSize, "no rule of policy '%s' allows it", name);
}

void explainDecision(const ActivePolicy &entry, const policy::Decision &decision, Verdict *out) {
  out->digest = entry.digest;
  out->rule = decision.basis == policy::Basis::Rule ? entry.policy.ruleId(decision.rule) : "";
  if (decision.effect == Effect::Deny) explainDenial(entry, decision, out);
}

void clear(Verdict *verdict) {
  verdict->denied = verdict->enforced = false;
  verdict->rule = verdict->digest = "";
  verdict->reason[0] = 0;
}

// True where the verdict is final.
bool judgeUnder(const ActivePolicy &entry, const policy::Request &request, Verdict *out) {
  if (!entry.usable || entry.mode == Mode::Disabled) return false;
  policy::Decision decision = entry.policy.decide(request);
  bool denies = decision.effect == Effect::Deny;
  bool enforced = denies && entry.mode == Mode::Enforcing;
  if (enforced || !out->denied) explainDecision(entry, decision, out);
  out->denied = out->denied || denies;
  out->enforced = enforced;
  return enforced;
}

}  // namespace

void denyFor(Verdict *verdict, const char *format, ...) {
  verdict->denied = verdict->enforced = true;
  verdict->rule = "";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(verdict->reason, kReasonSize, format, arguments);
  va_end(arguments);
}

void loadPolicies() { pthread_once(&once, loadOnce); }

uint8_t interestUnderPolicies(FunctionId id) {
  uint8_t bits = 0;
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) bits |= interestUnder(*entry, id);
  if (activeCount == 0 && modeWithoutPolicy != Mode::Disabled) bits = defaultRecords(facts(id));
  if (tracksConnection(id)) {
    if (isOpen(facts(id)) && refusedUnknownFunction()) bits |= kJudge;
    bits |= kConnection;
  }
  return bits;
}

void judge(const policy::Request &request, Verdict *out) {
  clear(out);
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    if (judgeUnder(*entry, request, out)) break;
  }
}

bool permits(const policy::Request &request) {
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    if (entry->mode == Mode::Disabled) continue;
    if (!entry->usable || entry->policy.decide(request).effect == Effect::Deny) return false;
  }
  return true;
}

void leaveUnjudged(Verdict *out) {
  clear(out);
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    if (entry->usable && entry->mode != Mode::Disabled) out->digest = entry->digest;
    if (entry->usable || entry->mode != Mode::Enforcing) continue;
    return denyFor(out, "%s", entry->why);
  }
}

bool refusesAll() {
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    if (!entry->usable && entry->mode == Mode::Enforcing) return true;
  }
  return false;
}

bool refuseUnrecorded() {
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    if (!entry->usable || entry->mode != Mode::Enforcing) continue;
    if (entry->policy.onAuditFailure() == policy::OnAuditFailure::Deny) return true;
  }
  return false;
}

const char *refusedUnknownFunction() {
  for (const ActivePolicy *entry = begin(); entry != end(); entry++) {
    if (entry->usable && entry->mode == Mode::Enforcing && entry->policy.unknownApi() == Mode::Enforcing)
      return firstUnknownFunction();
  }
  return nullptr;
}

}  // namespace virtshim
