// The facts about XML that rules can ask for by name, in the order of src/policy/xml_facts.ts.
#pragma once

#include <cstdint>

namespace virtshim::policy {

constexpr const char *kXmlFacts[] = {
    "disk-source",       "disk-encrypted", "hostdev", "qemu-commandline", "graphics-listen",
    "graphics-password", "memory",         "vcpus",   "emulator",
};
constexpr uint16_t kXmlFactCount = sizeof kXmlFacts / sizeof *kXmlFacts;

}  // namespace virtshim::policy
