// One document: parsed as libvirt would, as long as nothing in it could make the two read differently.
#pragma once

#include "xml/libxml2.h"

namespace virtshim::xml {

// More than any definition has, and so few that what grows with their square stays short: comparing the attributes of
// one element, looking up prefixes, uniting sets of nodes.
constexpr size_t kMaxText = 1 << 20;
constexpr size_t kMaxMarkup = 10'000;             // "<"
constexpr size_t kMaxLevels = 100'000;            // depths of all elements together
constexpr size_t kMaxAttributes = 20'000;         // "=", those in texts, too
constexpr size_t kMaxAttributesOfElement = 1000;  // "=" up to the next "<"
constexpr size_t kMaxNamespaces = 100;            // "xmlns"
constexpr size_t kMaxHyphens = 1000;              // "--", of which each complaint copies the whole comment

class Parsed {
 public:
  Parsed() = default;
  ~Parsed();
  Parsed(const Parsed &) = delete;
  Parsed &operator=(const Parsed &) = delete;

  // Takes `text`, which ends in NUL. False where it is not to be judged: not well-formed, beyond the bounds above,
  // deeper than libxml2 goes (256 levels), with a DOCTYPE, in another encoding than UTF-8, or with names of foreign
  // namespaces where libvirt, which looks at local names only, could take them for its own.
  bool parse(const Library &library, const char *text);

  Node *root() const { return root_; }

  // The result of an XPath expression at `node`, to be given back by Library::freeResult; nullptr where it has none,
  // or where the evaluations of this document have taken too long.
  XPathResult *evaluate(Node *node, const char *expression);

 private:
  bool makeContext(unsigned long steps);

  const Library *library_ = nullptr;
  Document *document_ = nullptr;
  XPathContext *context_ = nullptr;
  Node *root_ = nullptr;
};

}  // namespace virtshim::xml
