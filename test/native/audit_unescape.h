// Undoes the escapes of trail.xml, written from docs/records.md and not from the encoder.
#pragma once

#include <string>
#include <string_view>

namespace virtshim::test {

inline std::string unescapeXml(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    static constexpr struct {
      std::string_view entity;
      char means;
    } kEntities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    bool found = false;
    for (const auto &each : kEntities) {
      if (text.substr(i, each.entity.size()) != each.entity) continue;
      out += each.means;
      i += each.entity.size();
      found = true;
      break;
    }
    if (found) continue;
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x') {
      auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'A' + 10; };
      out += static_cast<char>(digit(text[i + 2]) * 16 + digit(text[i + 3]));
      i += 4;
    } else if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\\') {
      out += '\\';
      i += 2;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace virtshim::test
