// Event -> audit text, for netlink and audit.log. docs/records.md holds the grammar.
#pragma once

#include <string_view>

#include "audit/buffer.h"
#include "audit/event.h"
#include "audit/redact.h"

namespace virtshim::audit {

constexpr size_t kMaxTextBytes = 4096;

// Writes the text of a Response into `out`, which is cleared first. `chain` is the start of the record's chain value.
// Returns false where memory ran out.
bool writeAuditText(const Event &event, std::string_view chain, Redactor *redactor, Buffer *out);

// What the kernel would put in front of the text: ` pid=1 uid=0 auid=1000 ses=2 subj=label`, without the first space.
void writeAuditOrigin(const Subject &subject, Buffer *out);

}  // namespace virtshim::audit
