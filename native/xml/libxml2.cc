#include "xml/libxml2.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace virtshim::xml {
namespace {

// The first version that has the limit and is known to keep it; until then the structure ended before it.
constexpr long kFirstWithStepLimit = 20911;

Library loaded;
const Library *usable;
std::atomic<Find> finder;
pthread_once_t once = PTHREAD_ONCE_INIT;

template <typename F>
bool bind(F *function, const char *symbol) {
  *function = reinterpret_cast<F>(finder.load()(symbol));
  return *function != nullptr;
}

bool bindAll(Library *out) {
  return bind(&out->initialize, "xmlInitParser") && bind(&out->newParser, "xmlNewParserCtxt") &&
         bind(&out->parse, "xmlCtxtReadMemory") && bind(&out->freeParser, "xmlFreeParserCtxt") &&
         bind(&out->freeDocument, "xmlFreeDoc") && bind(&out->rootOf, "xmlDocGetRootElement") &&
         bind(&out->newContext, "xmlXPathNewContext") && bind(&out->freeContext, "xmlXPathFreeContext") &&
         bind(&out->registerNamespace, "xmlXPathRegisterNs") && bind(&out->evaluate, "xmlXPathNodeEval") &&
         bind(&out->freeResult, "xmlXPathFreeObject") && bind(&out->toBoolean, "xmlXPathCastToBoolean") &&
         bind(&out->errorHandler, "__xmlStructuredError") && bind(&out->errorData, "__xmlStructuredErrorContext");
}

// "20914", or "20914-GITv2.9.14".
long versionOf() {
  auto *version = static_cast<const char *const *>(finder.load()("xmlParserVersion"));
  return version && *version ? strtol(*version, nullptr, 10) : 0;
}

void load() {
  if (!bindAll(&loaded)) return;
  loaded.limitsSteps = versionOf() >= kFirstWithStepLimit;
  usable = &loaded;
}

void ignore(void *, const void *) {}

void *openInstalled() {
  for (const char *name : {"libxml2.so.2", "libxml2.so.16"}) {
    if (void *handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD)) return handle;
  }
  for (const char *name : {"libxml2.so.2", "libxml2.so.16"}) {
    if (void *handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL)) return handle;
  }
  return nullptr;
}

}  // namespace

const Library *library(Find find) {
  Find none = nullptr;
  finder.compare_exchange_strong(none, find);
  pthread_once(&once, load);
  return usable;
}

void *findInstalled(const char *symbol) {
  static void *handle = openInstalled();  // within load() only, so by one thread
  return handle ? dlsym(handle, symbol) : nullptr;
}

void limitSteps(const Library &library, XPathContext *context, unsigned long steps) {
  if (library.limitsSteps) memcpy(reinterpret_cast<char *>(context) + kStepLimitOffset, &steps, sizeof steps);
}

Quiet::Quiet(const Library &library)
    : library_(library), handler_(*library.errorHandler()), data_(*library.errorData()) {
  *library_.errorHandler() = ignore;
}

Quiet::~Quiet() {
  *library_.errorHandler() = handler_;
  *library_.errorData() = data_;
}

}  // namespace virtshim::xml
