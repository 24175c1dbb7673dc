// Names, uuids and connections of libvirt objects, asked of libvirt itself.
//
// All of it is local to the process: no accessor used here talks to a driver. The thread's last error, which libvirt's
// accessors reset, is kept.
#pragma once

#include "api/facts.h"
#include "libvirt/uuid.h"

namespace virtshim {

// True where `object` is a live libvirt object of that kind, by the very test that libvirt's functions make first.
// Asking an invalid object anything would raise an error in the program's name.
bool isObject(ObjectKind kind, const void *object);

// The name, or nullptr where the kind has none. Owned by the object. A volume's name is that within its pool, a node
// device's its sysfs-like name, a binding's its port device, a secret's its usage id, an admin server's its name.
const char *nameOf(ObjectKind kind, void *object);

// Writes the uuid as formatUuid does; false where the kind has none.
bool uuidOf(ObjectKind kind, void *object, char *out);

// The connection that the object belongs to, borrowed, or nullptr where libvirt offers no way to ask.
void *connectionOf(ObjectKind kind, void *object);

// The domain of a snapshot or checkpoint, the network of a port; borrowed, or nullptr.
void *parentOf(ObjectKind kind, void *object, ObjectKind *parentKind);

// Drops the caller's reference to an object that a call returned and that the policy then refused.
void releaseObject(ObjectKind kind, void *object);

}  // namespace virtshim
