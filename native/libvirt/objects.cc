#include "libvirt/objects.h"

#include <cstring>

#include "libvirt/errors.h"
#include "libvirt/learned_field.h"
#include "libvirt/real.h"

namespace virtshim {
namespace {

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
      {"virNetworkClass", F::virNetworkGetName, F::virNetworkGetUUID, F::virNetworkGetConnect, F::virNetworkFree},
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
  static std::atomic<void *> cache[kObjectKindCount] = {};
  const char *name = functionsOf(kind).className;
  void *found = name ? findPrivate(&cache[static_cast<int>(kind)], name) : nullptr;
  return static_cast<void **>(found);
}

LearnedField nameFields[kObjectKindCount], uuidFields[kObjectKindCount], connectionFields[kObjectKindCount];

template <typename F>
F optionalReal(FunctionId id) {
  return id == kNone ? nullptr : real<F>(id);
}

// Asks an accessor that returns a pointer kept in the object.
void *askPointer(FunctionId accessor, void *object) {
  auto get = optionalReal<GetObject>(accessor);
  if (!get) return nullptr;
  ErrorGuard guard;
  return get(object);
}

void *pointerOf(LearnedField *field, FunctionId accessor, void *object) {
  void *pointer = nullptr;
  if (accessor == kNone || field->read(object, &pointer, sizeof pointer)) return pointer;
  pointer = askPointer(accessor, object);
  if (pointer) field->learn(object, &pointer, sizeof pointer);
  return pointer;
}

}  // namespace

bool isObject(ObjectKind kind, const void *object) {
  if (!object || kind == ObjectKind::None) return false;
  static std::atomic<void *> cached;
  void *isClass = findPrivate(&cached, "virObjectIsClass");
  void **variable = classVariable(kind);
  if (!isClass || !variable) return true;  // a libvirt without them: trust the program's prototype
  return *variable && reinterpret_cast<bool (*)(const void *, void *)>(isClass)(object, *variable);
}

const char *nameOf(ObjectKind kind, void *object) {
  return static_cast<const char *>(pointerOf(&nameFields[static_cast<int>(kind)], functionsOf(kind).name, object));
}

bool uuidOf(ObjectKind kind, void *object, char *out) {
  uint8_t bytes[kUuidBytes];
  LearnedField &field = uuidFields[static_cast<int>(kind)];
  if (!field.read(object, bytes, sizeof bytes)) {
    auto get = optionalReal<GetUuid>(functionsOf(kind).uuid);
    ErrorGuard guard;
    if (!get || get(object, bytes) != 0) return false;
    field.learn(object, bytes, sizeof bytes);
  }
  formatUuid(bytes, out);
  return true;
}

void *connectionOf(ObjectKind kind, void *object) {
  if (kind == ObjectKind::Connect) return object;
  // A snapshot does not hold its connection: searching it for one would read behind its end.
  ObjectKind parentKind;
  if (void *parent = parentOf(kind, object, &parentKind)) return connectionOf(parentKind, parent);
  return pointerOf(&connectionFields[static_cast<int>(kind)], functionsOf(kind).connection, object);
}

void *parentOf(ObjectKind kind, void *object, ObjectKind *parentKind) {
  *parentKind = kind == ObjectKind::NetworkPort ? ObjectKind::Network : ObjectKind::Domain;
  switch (kind) {
    case ObjectKind::DomainSnapshot: return askPointer(FunctionId::virDomainSnapshotGetDomain, object);
    case ObjectKind::DomainCheckpoint: return askPointer(FunctionId::virDomainCheckpointGetDomain, object);
    case ObjectKind::NetworkPort: return askPointer(FunctionId::virNetworkPortGetNetwork, object);
    default: return nullptr;
  }
}

void releaseObject(ObjectKind kind, void *object) {
  if (auto release = optionalReal<Release>(functionsOf(kind).release)) release(object);
}

}  // namespace virtshim
