// Addresses of devices of the host, each in one spelling.
#pragma once

#include "xml/libxml2.h"
#include "xml/value_list.h"

namespace virtshim::xml {

// Adds what an <address> or the <source> of a <hostdev> says: pci:0000:03:00.0, usb:1.4, usb:046d:c52b,
// scsi:scsi_host0:0:0:0, mdev:UUID, scsi_host:WWPN. False where it cannot be read or memory ran out.
bool addAddress(const Node *node, ValueList *values);

}  // namespace virtshim::xml
