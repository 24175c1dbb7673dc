// Whether child processes are wrapped too.
#pragma once

namespace virtshim {

// Where VIRTSHIM_NO_INHERIT is set, takes the shim out of LD_PRELOAD, other libraries staying, so that programs that
// this one starts run without it. By default children stay wrapped.
void dropInheritance();

}  // namespace virtshim
