#include "policy/policy.h"

namespace virtshim::policy {

const char *describe(ImageError error) {
  switch (error) {
    case ImageError::Ok: return "ok";
    case ImageError::Truncated: return "the policy image is truncated";
    case ImageError::NotAnImage: return "not a policy image";
    case ImageError::Version: return "the policy image was made by another version of virtshim";
    case ImageError::Foreign: return "the policy image was compiled against another table of libvirt functions";
    case ImageError::Checksum: return "the checksum of the policy image does not match";
    case ImageError::Corrupt: return "the policy image is corrupt";
  }
  return "unknown error";
}

Mode Policy::mode() const { return static_cast<Mode>(view_.body->mode); }

Mode Policy::unknownApi() const { return static_cast<Mode>(view_.body->unknownApi); }

OnAuditFailure Policy::onAuditFailure() const { return static_cast<OnAuditFailure>(view_.body->onAuditFailure); }

bool Policy::auditFileAlways() const { return (view_.body->audit & image::kAuditFileAlways) != 0; }

bool Policy::auditNetlink() const { return (view_.body->audit & image::kAuditNetlink) != 0; }

const char *Policy::trail() const { return view_.strings + view_.body->trail; }

const char *Policy::name() const { return view_.strings + view_.body->name; }

const uint8_t *Policy::digest() const { return view_.header->checksum; }

uint32_t Policy::ruleCount() const { return view_.body->rules.count; }

const char *Policy::ruleId(uint32_t rule) const {
  return rule < ruleCount() ? view_.strings + view_.rules[rule].id : "";
}

AuditLevel Policy::auditLevel(FunctionId function) const {
  return static_cast<AuditLevel>(view_.functions[static_cast<uint16_t>(function)].auditLevel);
}

bool Policy::mayRefuse(FunctionId function, bool nested) const {
  const uint16_t index = static_cast<uint16_t>(function);
  return (mayRefuse_[nested][index / 64] >> (index % 64) & 1) != 0;
}

}  // namespace virtshim::policy
