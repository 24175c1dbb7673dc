#include "libvirt/objects.h"

#include <cstring>

#include "libvirt/learned_field.h"
#include "libvirt/real.h"

namespace virtshim {
namespace {

using GetString = const char *(*)(void *);
using GetObject = void *(*)(void *);
using GetUuid = int (*)(void *, uint8_t *);
using Release = int (*)(void *);

constexpr FunctionId kNone = kNoFunction;

// What libvirt offers for each kind.
struct KindFunctions {
  const char *className;  // the private variable that holds the kind's class
  FunctionId name, uuid, connection, release;
};

const KindFunctions &functionsOf(ObjectKind kind) {
  using F = FunctionId;
  static constexpr KindFunctions table[kObjectKindCount] = {
      /* None */ {nullptr, kNone, kNone, kNone, kNone},
      /* Connect */ {"virConnectClass", kNone, kNone, kNone, F::virConnectClose},
      /* Domain */
      {"virDomainClass", F::virDomainGetName, F::virDomainGetUUID, F::virDomainGetConnect, F::virDomainFree},
      /* DomainSnapshot */
      {"virDomainSnapshotClass", F::virDomainSnapshotGetName, kNone, F::virDomainSnapshotGetConnect,
       F::virDomainSnapshotFree},
      /* DomainCheckpoint */
      {"virDomainCheckpointClass", F::virDomainCheckpointGetName, kNone, F::virDomainCheckpointGetConnect,
       F::virDomainCheckpointFree},
      /* Network */
      {"virNetworkClass", F::virNetworkGetName, F::virNetworkGetUUID, F::virNetworkGetConnect,
       F::virNetworkFree},
      /* NetworkPort */
      {"virNetworkPortClass", kNone, F::virNetworkPortGetUUID, kNone, F::virNetworkPortFree},
      /* Interface */
      {"virInterfaceClass", F::virInterfaceGetName, kNone, F::virInterfaceGetConnect, F::virInterfaceFree},
      /* StoragePool */
      {"virStoragePoolClass", F::virStoragePoolGetName, F::virStoragePoolGetUUID, F::virStoragePoolGetConnect,
       F::virStoragePoolFree},
      /* StorageVol */
      {"virStorageVolClass", F::virStorageVolGetName, kNone, F::virStorageVolGetConnect, F::virStorageVolFree},
      /* Secret */
      {"virSecretClass", F::virSecretGetUsageID, F::virSecretGetUUID, F::virSecretGetConnect, F::virSecretFree},
      /* NodeDevice */ {"virNodeDeviceClass", F::virNodeDeviceGetName, kNone, kNone, F::virNodeDeviceFree},
      /* NWFilter */
      {"virNWFilterClass", F::virNWFilterGetName, F::virNWFilterGetUUID, kNone, F::virNWFilterFree},
      /* NWFilterBinding */
      {"virNWFilterBindingClass", F::virNWFilterBindingGetPortDev, kNone, kNone, F::virNWFilterBindingFree},
      /* Stream */ {"virStreamClass", kNone, kNone, kNone, F::virStreamFree},
      /* AdmConnect */ {nullptr, kNone, kNone, kNone, F::virAdmConnectClose},
      /* AdmServer */ {nullptr, F::virAdmServerGetName, kNone, kNone, F::virAdmServerFree},
      /* AdmClient */ {nullptr, kNone, kNone, kNone, F::virAdmClientFree},
  };
  return table[static_cast<int>(kind)];
}

// The class variables are NULL until libvirt is initialised; before that there are no objects either.
void **classVariable(ObjectKind kind) {
  static std::atomic<void *> cache[kObjectKindCount];
  std::atomic<void *> &slot = cache[static_cast<int>(kind)];
  void *found = slot.load(std::memory_order_acquire);
  if (!found && functionsOf(kind).className) {
    found = findPrivate(functionsOf(kind).className);
    slot.store(found, std::memory_order_release);
  }
  return static_cast<void **>(found);
}

LearnedField uuidFields[kObjectKindCount], connectionFields[kObjectKindCount];

template <typename F>
F optionalReal(FunctionId id) {
  return id == kNone ? nullptr : real<F>(id);
}

}  // namespace

bool isObject(ObjectKind kind, const void *object) {
  if (!object || kind == ObjectKind::None) return false;
  static std::atomic<void *> cached;
  void *isClass = cached.load(std::memory_order_acquire);
  if (!isClass) {
    isClass = findPrivate("virObjectIsClass");
    cached.store(isClass, std::memory_order_release);
  }
  void **variable = classVariable(kind);
  if (!isClass || !variable) return true;  // a libvirt without them: trust the program's prototype
  return *variable && reinterpret_cast<bool (*)(const void *, void *)>(isClass)(object, *variable);
}

const char *nameOf(ObjectKind kind, void *object) {
  auto get = optionalReal<GetString>(functionsOf(kind).name);
  return get ? get(object) : nullptr;
}

bool uuidOf(ObjectKind kind, void *object, char *out) {
  uint8_t bytes[kUuidBytes];
  LearnedField &field = uuidFields[static_cast<int>(kind)];
  if (!field.read(object, bytes, sizeof bytes)) {
    auto get = optionalReal<GetUuid>(functionsOf(kind).uuid);
    if (!get || get(object, bytes) != 0) return false;
    field.learn(object, bytes, sizeof bytes);
  }
  formatUuid(bytes, out);
  return true;
}

void *connectionOf(ObjectKind kind, void *object) {
  if (kind == ObjectKind::Connect) return object;
  if (kind == ObjectKind::NetworkPort) {
    ObjectKind parentKind;
    void *network = parentOf(kind, object, &parentKind);
    return network ? connectionOf(ObjectKind::Network, network) : nullptr;
  }
  void *connection = nullptr;
  LearnedField &field = connectionFields[static_cast<int>(kind)];
  if (field.read(object, &connection, sizeof connection)) return connection;
  auto get = optionalReal<GetObject>(functionsOf(kind).connection);
  connection = get ? get(object) : nullptr;
  if (connection) field.learn(object, &connection, sizeof connection);
  return connection;
}

void *parentOf(ObjectKind kind, void *object, ObjectKind *parentKind) {
  FunctionId id = kNone;
  switch (kind) {
    case ObjectKind::DomainSnapshot: id = FunctionId::virDomainSnapshotGetDomain; break;
    case ObjectKind::DomainCheckpoint: id = FunctionId::virDomainCheckpointGetDomain; break;
    case ObjectKind::NetworkPort: id = FunctionId::virNetworkPortGetNetwork; break;
    default: return nullptr;
  }
  *parentKind = kind == ObjectKind::NetworkPort ? ObjectKind::Network : ObjectKind::Domain;
  auto get = optionalReal<GetObject>(id);
  return get ? get(object) : nullptr;
}

void releaseObject(ObjectKind kind, void *object) {
  if (auto release = optionalReal<Release>(functionsOf(kind).release)) release(object);
}

}  // namespace virtshim
