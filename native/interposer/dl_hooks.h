// dlsym, dlvsym and dlopen as the program sees them.
//
// Programs that look libvirt's functions up on a handle (ctypes, koffi, Go) never meet LD_PRELOAD, and those that load
// with RTLD_DEEPBIND (PHP) bind past it. Both are met here.
#pragma once

namespace virtshim {

// Finds the C library's own functions. The hooks do so themselves when they are called earlier than this.
void initDlHooks();

}  // namespace virtshim
