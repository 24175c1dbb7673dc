#include "call/connections.h"

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "libvirt/errors.h"
#include "libvirt/loaded_objects.h"
#include "libvirt/objects.h"
#include "libvirt/real.h"
#include "policy/connection_uri.h"

namespace virtshim {

struct ConnectionFacts {
  std::atomic<int> references;
  policy::Tri readOnly;
  policy::ConnectionUri parts;
  size_t uriSize;
  char uri[];
};

namespace {

struct Entry {
  void *connection;
  ConnectionFacts *facts;
  Entry *next;
};

constexpr size_t kBuckets = 256;
Entry *buckets[kBuckets];
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

Entry **bucketOf(const void *connection) {
  auto bits = reinterpret_cast<uintptr_t>(connection) >> 4;
  return &buckets[(bits ^ (bits >> 8)) % kBuckets];
}

Entry **slotOf(const void *connection) {
  Entry **at = bucketOf(connection);
  while (*at && (*at)->connection != connection) at = &(*at)->next;
  return at;
}

ConnectionFacts *referenced(ConnectionFacts *facts) {
  if (facts) facts->references.fetch_add(1, std::memory_order_relaxed);
  return facts;
}

// virConnectGetURI only formats what the connection holds; it does not talk to the driver.
ConnectionFacts *askConnection(void *connection, policy::Tri readOnly) {
  if (!isObject(ObjectKind::Connect, connection)) return nullptr;
  ErrorGuard guard;
  auto getUri = real<char *(*)(void *)>(FunctionId::virConnectGetURI);
  char *uri = getUri ? getUri(connection) : nullptr;
  if (!uri) return nullptr;
  ConnectionFacts *facts = makeConnectionFacts(uri, readOnly);
  free(uri);
  return facts;
}

void putLocked(void *connection, ConnectionFacts *facts) {
  Entry **slot = slotOf(connection);
  if (*slot) {
    releaseConnectionFacts((*slot)->facts);
    (*slot)->facts = facts;
    return;
  }
  auto *entry = static_cast<Entry *>(malloc(sizeof(Entry)));
  if (!entry) return releaseConnectionFacts(facts);
  *entry = {connection, facts, nullptr};
  *slot = entry;
}

bool agree(const ConnectionFacts *a, const ConnectionFacts *b) {
  return uriOf(a) == uriOf(b) && a->readOnly == b->readOnly;
}

}  // namespace

ConnectionFacts *makeConnectionFacts(std::string_view uri, policy::Tri readOnly) {
  void *memory = malloc(sizeof(ConnectionFacts) + uri.size());
  if (!memory) return nullptr;
  auto *facts = new (memory) ConnectionFacts{{1}, readOnly, policy::ConnectionUri(uri, hasDriverModule), uri.size()};
  memcpy(facts->uri, uri.data(), uri.size());
  policy::foldUri(facts->uri, uri.size());
  return facts;
}

std::string_view uriOf(const ConnectionFacts *facts) { return {facts->uri, facts->uriSize}; }
policy::MaybeString driverOf(const ConnectionFacts *facts) { return facts->parts.driver(); }
policy::MaybeString transportOf(const ConnectionFacts *facts) { return facts->parts.transport(); }
policy::MaybeString hostOf(const ConnectionFacts *facts) { return facts->parts.host(); }
policy::Tri readOnlyOf(const ConnectionFacts *facts) { return facts->readOnly; }

void releaseConnectionFacts(ConnectionFacts *facts) {
  if (facts && facts->references.fetch_sub(1, std::memory_order_acq_rel) == 1) free(facts);
}

ConnectionFacts *findConnection(void *connection) {
  pthread_mutex_lock(&mutex);
  Entry *entry = *slotOf(connection);
  ConnectionFacts *facts = entry ? referenced(entry->facts) : nullptr;
  pthread_mutex_unlock(&mutex);
  // Not kept: the pointer may name another connection tomorrow, and its closing would go unseen as well.
  return facts ? facts : askConnection(connection, policy::Tri::Unknown);
}

ConnectionFacts *findCommonConnection() {
  ConnectionFacts *common = nullptr;
  bool agreed = true;
  pthread_mutex_lock(&mutex);
  for (Entry *bucket : buckets) {
    for (Entry *entry = bucket; entry; entry = entry->next) {
      if (!common) common = entry->facts;
      agreed = agreed && agree(common, entry->facts);
    }
  }
  ConnectionFacts *facts = agreed ? referenced(common) : nullptr;
  pthread_mutex_unlock(&mutex);
  return facts;
}

void rememberConnection(void *connection, policy::Tri readOnly) {
  ConnectionFacts *facts = askConnection(connection, readOnly);
  if (!facts) return;
  pthread_mutex_lock(&mutex);
  putLocked(connection, facts);
  pthread_mutex_unlock(&mutex);
}

void forgetConnection(void *connection, const ConnectionFacts *facts) {
  pthread_mutex_lock(&mutex);
  Entry **slot = slotOf(connection);
  Entry *entry = *slot && (*slot)->facts == facts ? *slot : nullptr;
  if (entry) *slot = entry->next;
  pthread_mutex_unlock(&mutex);
  if (!entry) return;
  releaseConnectionFacts(entry->facts);
  free(entry);
}

void lockConnections() { pthread_mutex_lock(&mutex); }
void unlockConnections() { pthread_mutex_unlock(&mutex); }

}  // namespace virtshim
