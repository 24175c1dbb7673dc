// libxml2, as far as it is needed, found at run time: the shim brings no library into a program.
//
// Where libvirt is loaded, it is libvirt's own copy, so that both read the same in every document. The layouts below
// are part of libxml2's ABI; test/native/xml_layout.cc compares them with its headers.
#pragma once

#include <cstddef>

namespace virtshim::xml {

struct Namespace {
  Namespace *next;
  int type;
  const char *uri;
  const char *prefix;
};

enum NodeType : int { kElement = 1, kAttribute = 2, kText = 3, kCdata = 4, kEntityReference = 5 };

struct Attribute;

// Elements. Other nodes share the fields up to `ns`.
struct Node {
  void *own;
  int type;
  const char *name;
  Node *children;
  Node *last;
  Node *parent;
  Node *next;
  Node *previous;
  void *document;
  Namespace *ns;
  const char *content;
  Attribute *attributes;
};

struct Attribute {
  void *own;
  int type;
  const char *name;
  Node *children;
  Node *last;
  Node *parent;
  Attribute *next;
  Attribute *previous;
  void *document;
  Namespace *ns;
};

struct Document {
  void *own;
  int type;
  char *name;
  Node *children;
  Node *last;
  Node *parent;
  Node *next;
  Node *previous;
  Document *document;
  int compression;
  int standalone;
  void *internalSubset;
};

struct NodeSet {
  int count;
  int capacity;
  Node **nodes;
};

enum ResultType : int { kNodeSet = 1, kBoolean = 2, kNumber = 3, kString = 4 };

struct XPathResult {
  int type;
  NodeSet *nodes;
  int boolean;
  double number;
  char *text;
};

struct XPathContext;
struct ParserContext;

using ErrorHandler = void (*)(void *data, const void *error);

struct Library {
  void (*initialize)();
  ParserContext *(*newParser)();
  Document *(*parse)(ParserContext *, const char *text, int size, const char *url, const char *encoding, int options);
  void (*freeParser)(ParserContext *);
  void (*freeDocument)(Document *);
  Node *(*rootOf)(const Document *);
  XPathContext *(*newContext)(Document *);
  void (*freeContext)(XPathContext *);
  int (*registerNamespace)(XPathContext *, const char *prefix, const char *uri);
  XPathResult *(*evaluate)(Node *, const char *expression, XPathContext *);
  void (*freeResult)(XPathResult *);
  int (*toBoolean)(XPathResult *);
  ErrorHandler *(*errorHandler)();  // of this thread
  void **(*errorData)();
  bool limitsSteps;  // limitSteps() has an effect
};

using Find = void *(*)(const char *symbol);

// The library, or nullptr where it is not there or not complete. The first call decides for the process how it is
// found; it may load it and so take the dynamic linker's lock.
const Library *library(Find find);

// Finds symbols in the libxml2 that is installed, for programs that need no libvirt.
void *findInstalled(const char *symbol);

// Ends an evaluation that takes too many steps, all evaluations of a context together.
void limitSteps(const Library &library, XPathContext *context, unsigned long steps);

constexpr size_t kStepLimitOffset = 352;  // of xmlXPathContext's opLimit

// Keeps what libxml2 has to complain about from the program's and libvirt's handlers, on this thread, while it lives.
class Quiet {
 public:
  explicit Quiet(const Library &library);
  ~Quiet();
  Quiet(const Quiet &) = delete;
  Quiet &operator=(const Quiet &) = delete;

 private:
  const Library &library_;
  ErrorHandler handler_;
  void *data_;
};

}  // namespace virtshim::xml
