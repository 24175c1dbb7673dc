// The one event model. XML, audit text and (later) JSON are written from it.
#pragma once

#include <cstdint>
#include <string_view>

#include "api/facts.h"

namespace virtshim::audit {

enum class Phase : uint8_t {
  Call,      // <methodcall>: before a state-changing call is forwarded
  Response,  // <methodresponse>: the outcome, also of a refused call
  Notice,    // <notice>: the shim about itself (policy loaded or broken, functions it does not know)
};

enum class Verdict : uint8_t {
  Permitted,
  Denied,     // refused by the policy, a broken policy, or because it could not be recorded
  WouldDeny,  // permissive mode: the policy would refuse it
};

struct ErrorInfo {
  bool present;
  int code;    // virErrorNumber
  int domain;  // virErrorDomain
  std::string_view message;
};

// Who calls. Filled by sys/identity, cached per process.
struct Subject {
  uint32_t pid;  // in the initial view of this process
  uint32_t tid;
  uint32_t uid;
  uint32_t auid;  // 4294967295 where unset
  uint32_t ses;   // 4294967295 where unset
  std::string_view comm;
  std::string_view exe;
  std::string_view terminal;  // "pts/0", or "" where there is none
  std::string_view subj;      // LSM label, or ""
};

struct Connection {
  bool known;
  bool readOnlyKnown;
  bool readOnly;
  std::string_view uri;
  std::string_view driver;
};

struct Resource {
  ObjectKind kind;          // None where the call has none
  std::string_view name;    // "" where unknown
  std::string_view uuid;    // lower-case with hyphens, "" where it has none
  std::string_view parent;  // snapshots and checkpoints: the domain's name; volumes: the pool's where known; else ""
};

// For whom the program says that it calls, and why. Not verified: the subject is who really calls. Each "" where
// unsaid.
struct Asserted {
  std::string_view actor;   // the user
  std::string_view via;     // the service that says so
  std::string_view reason;  // a ticket, say
  bool any() const { return !actor.empty() || !via.empty() || !reason.empty(); }
};

// How many bytes of each are kept.
constexpr size_t kMaxActor = 256;
constexpr size_t kMaxVia = 256;
constexpr size_t kMaxReason = 1024;

// All views are borrowed and must outlive the append.
struct Event {
  uint64_t rid;  // record id: the same in both records of a call, in every format and in the refusal's message
  Phase phase;
  Verdict verdict;
  FunctionId function;  // kNoFunction for notices
  bool nested;
  bool continues;           // Response: says what this thread's methodcall of that rid said, but for outcome and time
  bool success;             // Response: libvirt returned success
  std::string_view rule;    // id of the deciding rule, or ""
  std::string_view reason;  // why, for people
  std::string_view policy;  // first 16 hex digits of the policy's digest, or ""
  std::string_view notice;  // Phase::Notice: its kind ("policy-broken"), text in `reason`
  Subject subject;
  Asserted asserted;
  Connection connection;
  Resource resource;
  const ArgSlot *args;  // facts(function).argCount of them, or nullptr
  ArgSlot result;       // Response of a forwarded call
  bool forwarded;       // Response: libvirt was called
  ErrorInfo error;
  int64_t realtimeNs;   // since the epoch
  int64_t monotonicNs;  // the same moment by the monotonic clock, or 0
  int64_t durationNs;   // Response of a forwarded call, else 0
};

}  // namespace virtshim::audit
