#include "xml/document.h"

#include <strings.h>

#include <cstring>
#include <string_view>

#include "api/xml_facts.h"

namespace virtshim::xml {
namespace {

// Nothing from the network, no words on stderr. Entities, XInclude and huge documents are off by default.
constexpr int kOptions = 1 << 5 | 1 << 6 | 1 << 11;  // NOERROR, NOWARNING, NONET
constexpr int kMaxDepth = 256;

// Some tenths of a second, whatever the document and the expressions are.
constexpr unsigned long kMaxSteps = 20'000'000;
// Where libxml2 cannot count steps, a document has to be short instead.
constexpr size_t kMaxUncountedText = 256 << 10;

constexpr char kLibvirtSchemas[] = "http://libvirt.org/schemas/";
constexpr std::string_view kSpace = " \t\r\n";

bool startsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

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

bool isNamed(const Node *node, const char *name) { return node && node->type == kElement && !strcmp(node->name, name); }

// Where libvirt lets others put what they like: directly under the root or under the guest of a snapshot.
bool holdsExtensions(const Node *node, const Node *root) {
  return node == root || (node->parent == root && (isNamed(node, "domain") || isNamed(node, "inactiveDomain")));
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

}  // namespace

Parsed::~Parsed() {
  if (context_) library_->freeContext(context_);
  if (document_) library_->freeDocument(document_);
}

bool Parsed::parse(const Library &library, const char *text) {
  library_ = &library;
  const size_t size = strnlen(text, kMaxText + 1);
  if (size > kMaxText || (!library.limitsSteps && size > kMaxUncountedText) || !isPlain({text, size})) return false;
  library.initialize();
  const Quiet quiet(library);
  ParserContext *parser = library.newParser();
  if (!parser) return false;
  document_ = library.parse(parser, text, static_cast<int>(size), nullptr, nullptr, kOptions);
  library.freeParser(parser);
  root_ = document_ ? library.rootOf(document_) : nullptr;
  return root_ && !document_->internalSubset && hasOnlyOwnNames(root_, root_, 1) && makeContext();
}

bool Parsed::makeContext() {
  context_ = library_->newContext(document_);
  if (!context_) return false;
  limitSteps(*library_, context_, kMaxSteps);
  for (int i = 0; i < kXmlNamespaceCount; i++) {
    if (library_->registerNamespace(context_, kXmlNamespaces[i].prefix, kXmlNamespaces[i].uri) != 0) return false;
  }
  return true;
}

XPathResult *Parsed::evaluate(Node *node, const char *expression) {
  const Quiet quiet(*library_);
  return library_->evaluate(node, expression, context_);
}

}  // namespace virtshim::xml
