// What kinds of resources a rule can tell apart.
#pragma once

#include "api/facts.h"

namespace virtshim::policy {

// Snapshots and checkpoints are judged as the domain that they belong to.
constexpr ObjectKind judgedKind(ObjectKind kind) {
  return kind == ObjectKind::DomainSnapshot || kind == ObjectKind::DomainCheckpoint ? ObjectKind::Domain : kind;
}

// False for kinds of which no resource has a name: a rule on names never concerns them.
constexpr bool hasName(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::None:
    case ObjectKind::Connect:
    case ObjectKind::NetworkPort:
    case ObjectKind::Stream:
    case ObjectKind::AdmConnect:
    case ObjectKind::AdmClient: return false;
    default: return true;
  }
}

constexpr bool hasUuid(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::Domain:
    case ObjectKind::DomainSnapshot:
    case ObjectKind::DomainCheckpoint:
    case ObjectKind::Network:
    case ObjectKind::NetworkPort:
    case ObjectKind::StoragePool:
    case ObjectKind::Secret:
    case ObjectKind::NWFilter: return true;
    default: return false;
  }
}

}  // namespace virtshim::policy
