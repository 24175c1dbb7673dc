// Who this process is, as records tell it.
#pragma once

#include "audit/event.h"
#include "sys/identity.h"

namespace virtshim::audit {

// `uid` is the effective one of the moment: programs change it. The views stay valid until a fork.
inline Subject subjectOf(uint32_t uid) {
  const Identity &self = identity();
  return {self.pid, currentTid(), uid, self.auid, self.ses, self.comm, self.exe, self.terminal, self.subj};
}

}  // namespace virtshim::audit
