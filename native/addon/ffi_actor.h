// For whom a program calls, as it asserts: stands in the records of its calls.
#pragma once

#include <string>

namespace virtshim::addon {

struct Actor {
  struct Text {
    const char *get() const { return known ? value.c_str() : nullptr; }

    bool known = false;
    std::string value;
  };

  Text user, via, reason;
};

// Makes `actor` that of this thread's next libvirt calls; nullptr: nobody's.
void applyActor(const Actor *actor);

}  // namespace virtshim::addon
