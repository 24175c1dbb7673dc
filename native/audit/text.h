// Event -> audit text, for netlink and audit.log. docs/records.md holds the grammar.
#pragma once

#include <string_view>

#include "audit/buffer.h"
#include "audit/event.h"
#include "audit/redact.h"

namespace virtshim::audit {

constexpr size_t kMaxTextBytes = 4096;

// Where the text's record stands: the start of its chain value, and what its trail is called in audit text, "" where
// that is not known.
struct TextPlace {
  std::string_view chain, trail;
};

// Writes the text of a Response into `out`, which is cleared first. Returns false where memory ran out.
bool writeAuditText(const Event &event, const TextPlace &place, Redactor *redactor, Buffer *out);

// What the kernel would put in front of the text: ` pid=1 uid=0 auid=1000 ses=2 subj=label`, without the first space.
void writeAuditOrigin(const Subject &subject, Buffer *out);

}  // namespace virtshim::audit
