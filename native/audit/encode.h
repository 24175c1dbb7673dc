// The three encodings of record values: XML text, audit fields, percent. Any bytes in, only harmless ones out.
#pragma once

#include <string_view>

#include "audit/buffer.h"

namespace virtshim::audit {

// For XML text and double-quoted attributes alike. Lossless: entities for & < > ", a doubled backslash, and \xHH for
// each byte of what is not valid UTF-8 or would mislead a reader: controls (C0, DEL, C1), line and paragraph
// separators, marks that reorder text, noncharacters. So a record never holds a line end.
void appendXmlEscaped(Buffer *out, std::string_view value);

// " name=value" with the value quoted where every byte is one of A-Z a-z 0-9 . _ + @ : / , - and else in upper-case
// hex. Stricter than libaudit, whose encoding ausearch can be fooled with. An empty value becomes "?".
void appendAuditField(Buffer *out, std::string_view name, std::string_view value);

// For quoted audit values that audit tools do not decode. Besides letters and digits only .-_~+@:/,?[] stay.
void appendPercentEncoded(Buffer *out, std::string_view value);

// The longest prefix of at most `limit` bytes that does not end inside a UTF-8 sequence.
std::string_view cutUtf8(std::string_view text, size_t limit);

}  // namespace virtshim::audit
