// The name and uuid that a definition gives to its object: <name> and <uuid> directly under the root element, or an
// attribute of the root.
#pragma once

#include <string_view>

namespace virtshim {

// Finds the text of the first child element `element` of the root. Returns false where there is none or where the
// document uses anything (a DTD, CDATA, nested markup, an exotic encoding) that could make libvirt read another value
// than this scanner: an unknown name is safe, a wrong one is not. The view is into `xml`, entities not decoded;
// values with entities are therefore refused as well.
bool childText(std::string_view xml, std::string_view element, std::string_view *text);

// The same of an attribute of the root.
bool rootAttribute(std::string_view xml, std::string_view attribute, std::string_view *text);

}  // namespace virtshim
