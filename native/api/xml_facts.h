// The XML that functions take, and what rules can ask about it by name: native/api/xml.json as tables.
#pragma once

#include <cstdint>

#include "generated/function_ids.h"

namespace virtshim {

// How the text of a node becomes a value.
enum class XmlReading : uint8_t {
  Value,      // as the expression says it: a text, a number, yes or no
  Path,       // a path of the host in its simplest form
  Number,     // a whole number from 0
  Signed,     // a whole number
  Kib,        // a size with the unit in @unit, KiB by default
  KibSum,     // the same, one value for all nodes
  Bytes,      // a size with the unit in @unit, bytes by default
  Address,    // of a device of the host
  Qualified,  // the name of an element with the usual prefix of its namespace
};

// Where values are: `nodes` finds them in the document, `value` is asked of each. XPath 1.0.
struct XmlSelection {
  const char *nodes;
  const char *value;     // nullptr: the node's own text
  const char *fallback;  // in the place of an empty text
  XmlReading reading;
};

struct XmlFact {
  const char *name;
  const XmlSelection *selections;
  uint8_t selectionCount;
  bool isBoolean;  // its numbers mean yes and no
};

struct XmlNamespace {
  const char *prefix;
  const char *uri;
};

struct XmlArgument {
  FunctionId function;
  uint8_t arg;
  bool inParameters;  // in some fields of typed parameters; else the string itself
};

// In the order of the numbers in policy images.
extern const XmlFact kXmlFacts[];
extern const uint16_t kXmlFactCount;

extern const XmlNamespace kXmlNamespaces[];
extern const int kXmlNamespaceCount;

extern const XmlArgument kXmlArguments[];  // ascending by function
extern const int kXmlArgumentCount;

// Fields of typed parameters that hold XML.
extern const char *const kXmlParameters[];
extern const int kXmlParameterCount;

}  // namespace virtshim
