// The compiled policy and the one evaluator. Pure: no I/O, no allocation, no libvirt, no clock.
//
// src/policy/compile.ts writes the image, docs/policy-image.md describes it. Everything that is asked about a call
// beyond its arguments comes through CallFacts, so that it is looked up only where some rule needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/facts.h"
#include "policy/image.h"

namespace virtshim::policy {

enum class Effect : uint8_t { Allow, Deny };
enum class Mode : uint8_t { Enforcing, Permissive, Disabled };
enum class OnAuditFailure : uint8_t { Deny, Allow };
enum class AuditLevel : uint8_t { None, Response, RequestResponse };
enum class Tri : uint8_t { No, Yes, Unknown };

constexpr uint32_t kNoAuid = 0xffffffff;  // a process that began with no login

// A string that may be unknown: an unknown fact never satisfies an allow rule and always satisfies a deny rule, so
// that what cannot be found out never opens a door.
struct MaybeString {
  bool known;
  std::string_view value;
};

constexpr MaybeString kUnknownString = {false, {}};

struct MaybeId {
  bool known;
  uint32_t value;
};

// What a call to a monitor or agent orders; none where the call is no such thing. A command for people goes to qemu
// within the command `human-monitor-command`, however it is spelled, and has both names.
struct MonitorCommands {
  bool known;
  uint8_t count;
  std::string_view names[2];
};

// Seconds since 1970, UTC.
struct MaybeTime {
  bool known;
  int64_t seconds;
};

// Takes the values of an XML fact.
class XmlValues {
 public:
  virtual void number(int64_t value) = 0;  // counts, sizes; 0 and 1 for no and yes
  virtual void text(std::string_view value) = 0;

 protected:
  ~XmlValues() = default;
};

// Facts of one call, found on demand. Implementations cache; each is asked at most a few times per decision.
//
// A snapshot or checkpoint is judged as its domain, as libvirt's own access checks do: resourceName() and
// resourceUuid() are the domain's, or nobody could write a rule that protects a guest from a revert, and a snapshot
// named like another guest would pass for it.
class CallFacts {
 public:
  virtual uint32_t uid() = 0;
  virtual bool inGroup(uint32_t gid) = 0;
  virtual MaybeString connectionUri() = 0;
  virtual MaybeString connectionDriver() = 0;  // "qemu", "test": the URI's scheme up to '+'
  virtual Tri connectionReadOnly() = 0;
  virtual ObjectKind resourceKind() = 0;
  virtual MaybeString resourceName() = 0;
  virtual MaybeString resourceUuid() = 0;  // lower-case, with hyphens

  // Who calls. Those without a value ("" for no terminal, no label, no actor) are known all the same.
  virtual MaybeId auid() { return {false, kNoAuid}; }
  virtual MaybeString executable() { return kUnknownString; }  // absolute path
  virtual MaybeString command() { return kUnknownString; }     // the kernel's comm, at most 15 bytes
  virtual MaybeString terminal() { return kUnknownString; }    // "pts/0"
  virtual MaybeString label() { return kUnknownString; }       // of the security module
  virtual MaybeString actor() { return kUnknownString; }       // on whose behalf, as the caller says; not verified
  virtual MaybeString reason() { return kUnknownString; }

  // "in-process", "unix", "tls", "tcp", "ssh", "libssh", "libssh2" or "ext"; the host lower-case, "" for this one.
  virtual MaybeString connectionTransport() { return kUnknownString; }
  virtual MaybeString connectionHost() { return kUnknownString; }

  // The command within a call to a monitor or agent: QMP's `execute`, the first word of HMP.
  virtual MonitorCommands monitorCommands() { return {false, 0, {}}; }

  // The XML that the call brings along. No: none at all; Unknown: some that cannot be read.
  virtual Tri xml() { return Tri::Unknown; }
  // Hands all values that a fact has in it to `out`. False: it cannot be read, whatever `out` has seen so far.
  virtual bool xmlValues(uint16_t, XmlValues *) { return false; }
  // Whether the expression is true of it.
  virtual Tri xpath(const char *) { return Tri::Unknown; }

  virtual MaybeTime realtime() { return {false, 0}; }
  // Whether the limit has been reached. Below it, a live call is counted: once for a key, however often it is asked.
  virtual Tri rateReached(const image::Rate &) { return Tri::Unknown; }

 protected:
  ~CallFacts() = default;
};

struct Request {
  FunctionId function;
  const ArgSlot *args;  // facts(function).argCount of them
  CallFacts *facts;
  bool nested;  // a call that libvirt makes to itself: only deny rules are asked
};

enum class Basis : uint8_t {
  Rule,     // `rule` decided
  Default,  // no rule matched: the default of the call's set decided
};

constexpr uint32_t kNoRule = 0xffffffff;

struct Decision {
  Effect effect;
  Basis basis;
  uint32_t rule;                 // index for Policy::ruleId, or kNoRule
  uint16_t permission;           // Default denials: the first permission that no rule allows, or kNoPermission
  bool reasonMissing = false;    // Default denials: with a reason, a rule might have allowed it
  uint32_t wouldDeny = kNoRule;  // the first permissive deny rule that matched, however the call was decided
};

enum class ImageError : uint8_t {
  Ok,
  Truncated,   // shorter than its header says
  NotAnImage,  // wrong magic
  Version,     // made by another version of virtshim
  Foreign,     // compiled against another table of libvirt functions
  Checksum,
  Corrupt,  // an offset or a value is out of bounds
};
const char *describe(ImageError error);  // lower-case, no period

// A view of an image; does not own the bytes, which must stay mapped and unchanged while it is used.
class Policy {
 public:
  // Checks the whole image once: magic, version, fingerprint, checksum, then every offset. O(size).
  static ImageError load(const uint8_t *image, size_t size, Policy *out);

  Mode mode() const;
  Mode unknownApi() const;  // what happens to functions the shim does not know: enforcing = refuse
  OnAuditFailure onAuditFailure() const;
  bool auditFileAlways() const;  // audit text goes to audit.log also where netlink accepts it
  bool auditNetlink() const;     // audit text goes to netlink
  const char *trail() const;     // folder of the trail, or "" where the policy names none
  const char *name() const;
  const uint8_t *digest() const;  // SHA-256 of the image's body, 32 bytes: the policy hash in the records
  const char *ruleId(uint32_t rule) const;
  uint32_t ruleCount() const;
  AuditLevel auditLevel(FunctionId function) const;

  // True where decide() can be anything but an allow for some call of this function. O(1): worked out by load().
  bool mayRefuse(FunctionId function, bool nested) const;

  // The mode is the caller's to apply: this says what the rules say.
  // Deny overrides: the first deny rule in file order that matches and is not permissive; else allow where the allow
  // rules cover every permission the call needs (the first matching one is reported); else the default of its set.
  Decision decide(const Request &request) const;

  const image::View &view() const { return view_; }

 private:
  Decision decideDeny(const Request &request, uint16_t active) const;
  void decideAllow(const Request &request, uint16_t active, Decision *decision) const;
  void noteRefusals();

  static constexpr size_t kFunctionWords = (kFunctionCount + 63) / 64;

  image::View view_ = {};
  uint64_t mayRefuse_[2][kFunctionWords] = {};  // one bit per function; [1] for nested calls
};

}  // namespace virtshim::policy
