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

// What a thread can set for all of libxml2 that it calls: handlers of errors and their data, and functions to be told
// of each node that is made and freed.
constexpr int kThreadSettings = 6;

// The last error of a thread.
struct LastError {
  int domain;
  int code;
  char *message;
  int level;
  char *file;
  int line;
  char *texts[3];
  int numbers[2];
  void *context;
  void *node;
};

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
  void (*resetLastError)();
  LastError *(*lastError)();              // of this thread
  void **(*settings[kThreadSettings])();  // of this thread; nullptr for those that this version does not have
  long (*orderElements)(Document *);      // makes it cheap to say which of two nodes comes first
  bool limitsSteps;                       // limitSteps() has an effect
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

// While it lives, libxml2 works for the shim on this thread: what it has to complain about reaches neither the
// program's handlers nor stderr, and nothing of the program's is called. The thread's last error stays what it was. The
// thread is not cancelled, and the process does not fork: a child would find libxml2's own locks taken for good.
class Guest {
 public:
  explicit Guest(const Library &library);
  ~Guest();
  Guest(const Guest &) = delete;
  Guest &operator=(const Guest &) = delete;

 private:
  const Library &library_;
  int cancelState_;
  void *kept_[kThreadSettings];
  LastError lastError_;
};

}  // namespace virtshim::xml
