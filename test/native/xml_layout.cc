// The layouts that native/xml/libxml2.h declares, against libxml2's own headers; and what a guest of the library leaves
// behind. Where the headers are not installed, only the latter.
#include "xml/libxml2.h"

#include <cstddef>
#include <cstdio>
#include <cstring>

#if __has_include(<libxml/xpath.h>)
#include <libxml/parser.h>
#include <libxml/xpath.h>

namespace virtshim::xml {

#define SAME_PLACE(own, field, theirs, theirField) \
  static_assert(offsetof(own, field) == offsetof(theirs, theirField), #theirs "." #theirField)

SAME_PLACE(Namespace, uri, xmlNs, href);
SAME_PLACE(Namespace, prefix, xmlNs, prefix);
SAME_PLACE(Node, type, xmlNode, type);
SAME_PLACE(Node, name, xmlNode, name);
SAME_PLACE(Node, children, xmlNode, children);
SAME_PLACE(Node, parent, xmlNode, parent);
SAME_PLACE(Node, next, xmlNode, next);
SAME_PLACE(Node, ns, xmlNode, ns);
SAME_PLACE(Node, content, xmlNode, content);
SAME_PLACE(Node, attributes, xmlNode, properties);
SAME_PLACE(Attribute, name, xmlAttr, name);
SAME_PLACE(Attribute, children, xmlAttr, children);
SAME_PLACE(Attribute, next, xmlAttr, next);
SAME_PLACE(Attribute, ns, xmlAttr, ns);
SAME_PLACE(Document, internalSubset, xmlDoc, intSubset);
SAME_PLACE(NodeSet, count, xmlNodeSet, nodeNr);
SAME_PLACE(NodeSet, nodes, xmlNodeSet, nodeTab);
SAME_PLACE(XPathResult, type, xmlXPathObject, type);
SAME_PLACE(XPathResult, nodes, xmlXPathObject, nodesetval);
SAME_PLACE(XPathResult, boolean, xmlXPathObject, boolval);
SAME_PLACE(XPathResult, number, xmlXPathObject, floatval);
SAME_PLACE(XPathResult, text, xmlXPathObject, stringval);
static_assert(sizeof(LastError) == sizeof(xmlError));
static_assert(kElement == int{XML_ELEMENT_NODE} && kAttribute == int{XML_ATTRIBUTE_NODE} &&
              kText == int{XML_TEXT_NODE});
static_assert(kCdata == int{XML_CDATA_SECTION_NODE} && kEntityReference == int{XML_ENTITY_REF_NODE});
static_assert(kNodeSet == int{XPATH_NODESET} && kBoolean == int{XPATH_BOOLEAN});
static_assert(kNumber == int{XPATH_NUMBER} && kString == int{XPATH_STRING});
#if LIBXML_VERSION >= 20911
static_assert(kStepLimitOffset == offsetof(xmlXPathContext, opLimit));
#endif

}  // namespace virtshim::xml
#else
#pragma message("libxml2's headers are not installed: its layouts are not compared")
#endif

using namespace virtshim::xml;

namespace {

int g_failures = 0;

void expect(bool holds, const char *what) {
  if (holds) return;
  printf("FAIL: %s\n", what);
  g_failures++;
}

void onError(void *, const void *) { expect(false, "the program's handler was called"); }

// The settings of this thread, and its last error, are the same before and after.
void testGuest(const Library &library) {
  *library.settings[0]() = reinterpret_cast<void *>(onError);
  void *before[kThreadSettings];
  for (int i = 0; i < kThreadSettings; i++) before[i] = library.settings[i] ? *library.settings[i]() : nullptr;
  LastError mine = {};
  mine.code = 4242;
  *library.lastError() = mine;
  {
    const Guest guest(library);
    ParserContext *parser = library.newParser();
    expect(!library.parse(parser, "<a", 2, nullptr, nullptr, 0), "half a tag was parsed");
    library.freeParser(parser);
    expect(library.lastError()->code != 0 && library.lastError()->code != 4242, "the guest has errors of its own");
  }
  expect(library.lastError()->code == 4242 && !library.lastError()->message, "the last error came back");
  for (int i = 0; i < kThreadSettings; i++) {
    expect(!library.settings[i] || *library.settings[i]() == before[i], "a setting came back");
  }
  *library.lastError() = {};
}

}  // namespace

int main() {
  const Library *found = library(findInstalled);
  if (!found) {
    printf("libxml2 is not installed\n");
    return 0;
  }
  found->initialize();
  testGuest(*found);
  return g_failures == 0 ? 0 : 1;
}
