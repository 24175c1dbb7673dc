// <param>: the arguments of a call, read from the host's memory as libvirt itself would read them.
#pragma once

#include "audit/buffer.h"
#include "audit/event.h"
#include "audit/redact.h"

namespace virtshim::audit {

void appendParam(const Event &event, Redactor *redactor, Buffer *out);

// How an argument's text is to be searched for secrets.
TextKind textKindOf(const ArgFacts &arg);

}  // namespace virtshim::audit
