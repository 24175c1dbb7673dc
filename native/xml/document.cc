#include "xml/document.h"

#include <strings.h>

#include <cstring>
#include <string_view>

#include "api/xml_facts.h"
#include "sys/starts_with.h"

namespace virtshim::xml {
namespace {

// Nothing from the network, no words on stderr. Entities, XInclude and huge documents are off by default.
constexpr int kOptions = 1 << 5 | 1 << 6 | 1 << 11;  // NOERROR, NOWARNING, NONET
constexpr int kMaxDepth = 256;

// What all expressions together may cost. A step of libxml2's can be as long as comparing a node with all others, or
// reading the whole text, so that there are the fewer steps the larger a document is: 8,000,000 for a small one.
constexpr size_t kMaxWork = 5'000'000'000;
constexpr size_t kWorkOfAnyStep = 600;
constexpr size_t kTextPerWork = 64;
// Where libxml2 cannot count steps, a document has to be short instead.
constexpr size_t kMaxUncountedText = 64 << 10;

constexpr char kLibvirtSchemas[] = "http://libvirt.org/schemas/";
constexpr std::string_view kSpace = " \t\r\n";

bool isUtf8(std::string_view name) {
  for (std::string_view known : {"UTF-8", "US-ASCII", "ASCII"}) {
    if (name.size() == known.size() && strncasecmp(name.data(), known.data(), name.size()) == 0) return true;
  }
  return false;
}

// The value of encoding="..." in an XML declaration is UTF-8 or part of it.
bool declaresUtf8(std::string_view declaration) {
  const size_t at = declaration.find("encoding");
  if (at == std::string_view::npos) return true;
  const size_t open = declaration.find_first_of("\"'", at);
  if (open == std::string_view::npos) return false;
  const size_t close = declaration.find(declaration[open], open + 1);
  return close != std::string_view::npos && isUtf8(declaration.substr(open + 1, close - open - 1));
}

// A converter for another encoding would be a part of libxml2 or of the C library that only strangers ask for, and an
// internal subset is where entities are: both are refused before the parser sees them.
bool isPlain(std::string_view text) {
  if (startsWith(text, "\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.empty() || (text[0] != '<' && kSpace.find(text[0]) == std::string_view::npos)) return false;
  const std::string_view declaration = startsWith(text, "<?xml") ? text.substr(0, text.find("?>")) : "";
  return declaresUtf8(declaration) && text.find("<!DOCTYPE") == std::string_view::npos;
}

size_t count(std::string_view text, std::string_view word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) found++;
  return found;
}

// How large a text is as a document, before anything has been made of it.
struct Extent {
  explicit Extent(std::string_view text)
      : size(text.size()), namespaces(count(text, "xmlns")), hyphens(count(text, "--")) {
    size_t ofElement = 0;
    for (const char c : text) {
      if (c == '<') {
        markup++;
        ofElement = 0;
      } else if (c == '=') {
        attributes++;
        if (++ofElement > attributesOfElement) attributesOfElement = ofElement;
      }
    }
  }

  bool isBounded() const {
    return markup <= kMaxMarkup && attributes <= kMaxAttributes && attributesOfElement <= kMaxAttributesOfElement &&
           namespaces <= kMaxNamespaces && hyphens <= kMaxHyphens;
  }

  unsigned long steps() const { return kMaxWork / (kWorkOfAnyStep + markup + size / kTextPerWork); }

  size_t size;
  size_t namespaces;
  size_t hyphens;
  size_t markup = 0;
  size_t attributes = 0;
  size_t attributesOfElement = 0;
};

bool isNamed(const Node *node, const char *name) { return node && node->type == kElement && !strcmp(node->name, name); }

// Where libvirt lets others put what they like: directly under a guest, also that of a snapshot, a network or a pool.
bool holdsExtensions(const Node *node, const Node *root) {
  if (node == root) return isNamed(node, "domain") || isNamed(node, "network") || isNamed(node, "pool");
  return node->parent == root && (isNamed(node, "domain") || isNamed(node, "inactiveDomain"));
}

bool isExtension(const Node *node, const Node *root) {
  if (!node->parent || !holdsExtensions(node->parent, root)) return false;
  if (!node->ns) return isNamed(node, "metadata");
  return node->ns->uri && startsWith(node->ns->uri, kLibvirtSchemas);
}

// libvirt mostly compares local names: `<x:source x:file="...">` is as good as `<source file="...">` to it, but not to
// XPath.
bool hasOnlyOwnNames(const Node *node, const Node *root, int depth) {
  if (depth > kMaxDepth || node->type == kEntityReference) return false;
  if (node->type != kElement || isExtension(node, root)) return true;
  if (node->ns) return false;
  for (const Attribute *attribute = node->attributes; attribute; attribute = attribute->next) {
    if (attribute->ns) return false;
  }
  for (const Node *child = node->children; child; child = child->next) {
    if (!hasOnlyOwnNames(child, root, depth + 1)) return false;
  }
  return true;
}

// Adds up how many elements stand above and at each: as many can be found twice by `//a//b`.
bool isShallow(const Node *node, size_t depth, size_t *levels) {
  if (node->type != kElement) return true;
  *levels += depth;
  if (*levels > kMaxLevels) return false;
  for (const Node *child = node->children; child; child = child->next) {
    if (!isShallow(child, depth + 1, levels)) return false;
  }
  return true;
}

}  // namespace

Parsed::~Parsed() {
  if (!document_) return;
  const Guest guest(*library_);
  if (context_) library_->freeContext(context_);
  library_->freeDocument(document_);
}

bool Parsed::parse(const Library &library, const char *text) {
  library_ = &library;
  const size_t size = strnlen(text, kMaxText + 1);
  if (size > kMaxText || (!library.limitsSteps && size > kMaxUncountedText)) return false;
  const Extent extent({text, size});
  if (!extent.isBounded() || !isPlain({text, size})) return false;
  const Guest guest(library);
  ParserContext *parser = library.newParser();
  if (!parser) return false;
  document_ = library.parse(parser, text, static_cast<int>(size), nullptr, nullptr, kOptions);
  library.freeParser(parser);
  root_ = document_ ? library.rootOf(document_) : nullptr;
  size_t levels = 0;
  return root_ && !document_->internalSubset && isShallow(root_, 1, &levels) && hasOnlyOwnNames(root_, root_, 1) &&
         makeContext(extent.steps());
}

bool Parsed::makeContext(unsigned long steps) {
  library_->orderElements(document_);
  context_ = library_->newContext(document_);
  if (!context_) return false;
  limitSteps(*library_, context_, steps);
  for (int i = 0; i < kXmlNamespaceCount; i++) {
    if (library_->registerNamespace(context_, kXmlNamespaces[i].prefix, kXmlNamespaces[i].uri) != 0) return false;
  }
  return true;
}

XPathResult *Parsed::evaluate(Node *node, const char *expression) {
  const Guest guest(*library_);
  return library_->evaluate(node, expression, context_);
}

}  // namespace virtshim::xml
