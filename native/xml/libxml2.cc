#include "xml/libxml2.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace virtshim::xml {
namespace {

// The versions that have the limit where it is looked for: before them the structure was shorter, and of those after
// them nothing is known.
constexpr long kFirstWithStepLimit = 20911;
constexpr long kLastWithStepLimit = 21599;

// The handlers come first, then those that are switched off.
constexpr const char *kSettings[kThreadSettings] = {"__xmlStructuredError",          "__xmlGenericError",
                                                    "__xmlStructuredErrorContext",   "__xmlGenericErrorContext",
                                                    "__xmlRegisterNodeDefaultValue", "__xmlDeregisterNodeDefaultValue"};
constexpr int kNeededSettings = 4;

Library loaded;
const Library *usable;
std::atomic<Find> finder;
pthread_once_t once = PTHREAD_ONCE_INIT;

// Guests share it; who forks has it alone, and does not wait for guests that come after.
pthread_rwlock_t guests = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

void keepGuestsOut() { pthread_rwlock_wrlock(&guests); }
void letGuestsIn() { pthread_rwlock_unlock(&guests); }
void letGuestsIntoChild() { guests = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP; }

template <typename F>
bool bind(F *function, const char *symbol) {
  *function = reinterpret_cast<F>(finder.load()(symbol));
  return *function != nullptr;
}

bool bindSettings(Library *out) {
  for (int i = 0; i < kThreadSettings; i++) {
    if (!bind(&out->settings[i], kSettings[i]) && i < kNeededSettings) return false;
  }
  return true;
}

bool bindAll(Library *out) {
  return bind(&out->initialize, "xmlInitParser") && bind(&out->newParser, "xmlNewParserCtxt") &&
         bind(&out->parse, "xmlCtxtReadMemory") && bind(&out->freeParser, "xmlFreeParserCtxt") &&
         bind(&out->freeDocument, "xmlFreeDoc") && bind(&out->rootOf, "xmlDocGetRootElement") &&
         bind(&out->newContext, "xmlXPathNewContext") && bind(&out->freeContext, "xmlXPathFreeContext") &&
         bind(&out->registerNamespace, "xmlXPathRegisterNs") && bind(&out->evaluate, "xmlXPathNodeEval") &&
         bind(&out->freeResult, "xmlXPathFreeObject") && bind(&out->toBoolean, "xmlXPathCastToBoolean") &&
         bind(&out->lastError, "__xmlLastError") && bind(&out->resetLastError, "xmlResetLastError") &&
         bind(&out->orderElements, "xmlXPathOrderDocElems") && bindSettings(out);
}

// "20914", or "20914-GITv2.9.14".
long versionOf() {
  auto *version = static_cast<const char *const *>(finder.load()("xmlParserVersion"));
  return version && *version ? strtol(*version, nullptr, 10) : 0;
}

void load() {
  if (!bindAll(&loaded)) return;
  const long version = versionOf();
  loaded.limitsSteps = version >= kFirstWithStepLimit && version <= kLastWithStepLimit;
  if (pthread_atfork(keepGuestsOut, letGuestsIn, letGuestsIntoChild) == 0) usable = &loaded;
}

void ignoreError(void *, const void *) {}
void ignoreText(void *, const char *, ...) {}

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

Guest::Guest(const Library &library) : library_(library), kept_() {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelState_);
  pthread_rwlock_rdlock(&guests);
  library.initialize();
  lastError_ = *library.lastError();
  *library.lastError() = {};
  void *mine[kThreadSettings] = {reinterpret_cast<void *>(ignoreError), reinterpret_cast<void *>(ignoreText)};
  for (int i = 0; i < kThreadSettings; i++) {
    if (!library.settings[i]) continue;
    void **setting = library.settings[i]();
    kept_[i] = *setting;
    *setting = mine[i];
  }
}

Guest::~Guest() {
  library_.resetLastError();
  *library_.lastError() = lastError_;
  for (int i = 0; i < kThreadSettings; i++) {
    if (library_.settings[i]) *library_.settings[i]() = kept_[i];
  }
  pthread_rwlock_unlock(&guests);
  pthread_setcancelstate(cancelState_, nullptr);
}

}  // namespace virtshim::xml
