// Callbacks on their way to JavaScript, without JavaScript: what is copied, threads that post while listeners and whole
// environments go away, requests that are answered, failed or left behind.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <thread>
#include <vector>

// These call nothing of Node but the two functions below, and are linked into nothing but the addon.
#include "addon/callback_mailbox.cc"
#include "addon/callback_message.cc"
#include "addon/callback_registry.cc"
#include "addon/callbacks.cc"
#include "generated/callbacks.cc"

using namespace virtshim;
using namespace virtshim::addon;

// The queue of an environment, as Node keeps it.
struct napi_threadsafe_function__ {
  std::mutex mutex;
  std::deque<CallbackMessage *> messages;
  bool closing = false;
};

extern "C" napi_status napi_call_threadsafe_function(napi_threadsafe_function function, void *data,
                                                     napi_threadsafe_function_call_mode) {
  const std::lock_guard<std::mutex> lock(function->mutex);
  if (function->closing) return napi_closing;
  function->messages.push_back(static_cast<CallbackMessage *>(data));
  return napi_ok;
}

extern "C" napi_status napi_release_threadsafe_function(napi_threadsafe_function function,
                                                        napi_threadsafe_function_release_mode) {
  const std::lock_guard<std::mutex> lock(function->mutex);
  function->closing = true;
  return napi_ok;
}

namespace virtshim::addon {

// Objects are counters here, and this is libvirt.
std::atomic<int> references{0};

int takeReferenceHere(void *) {
  ++references;
  return 0;
}
int giveBackHere(void *) {
  --references;
  return 0;
}

void *shimFunction(FunctionId id) {
  const char *name = facts(id).name;
  const bool takes = strcmp(name + strlen(name) - 3, "Ref") == 0;
  return reinterpret_cast<void *>(takes ? takeReferenceHere : giveBackHere);
}

int ask_virConnectAuthCallbackPtr(void *, unsigned int, void *) { return 0; }
int ask_virStreamSinkFunc(void *, const char *, size_t, void *) { return 0; }
int ask_virStreamSinkHoleFunc(void *, long long, void *) { return 0; }
int ask_virStreamSourceFunc(void *, char *, size_t, void *) { return 0; }
int ask_virStreamSourceHoleFunc(void *, int *, long long *, void *) { return 0; }
int ask_virStreamSourceSkipFunc(void *, long long, void *) { return 0; }

}  // namespace virtshim::addon

namespace {

void require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "not so: %s\n", what);
  _exit(1);
}

class Environment {
 public:
  Environment() : mailbox_(std::make_shared<CallbackMailbox>(nullptr, &queue_)) {}
  ~Environment() { close(); }

  const std::shared_ptr<CallbackMailbox> &mailbox() { return mailbox_; }

  void *listen(CallbackType type, void **function) {
    const NewRegistration made = registerCallback(type, mailbox_);
    *function = callbackFunction(type, made.variant);
    return reinterpret_cast<void *>(made.number);
  }

  // The next message, or nullptr.
  CallbackMessage *next() {
    const std::lock_guard<std::mutex> lock(queue_.mutex);
    if (queue_.messages.empty()) return nullptr;
    CallbackMessage *message = queue_.messages.front();
    queue_.messages.pop_front();
    return message;
  }

  // Takes what has come, and gives back its objects.
  int drain() {
    int count = 0;
    for (CallbackMessage *message = next(); message != nullptr; message = next(), ++count) {
      CallbackMessage::release(message);
    }
    return count;
  }

  void close() {
    unregisterAll(mailbox_.get());
    mailbox_->close();
    drain();
  }

 private:
  napi_threadsafe_function__ queue_;
  std::shared_ptr<CallbackMailbox> mailbox_;
};

using Lifecycle = int (*)(void *, void *, int, int, void *);

char connection, domain;

void copiesAreWhole() {
  Environment environment;
  void *function;
  void *opaque = environment.listen(CallbackType::virConnectDomainEventGraphicsCallback, &function);
  {
    std::string node = "node", service = "5900", scheme = "vnc", type = "dname", name = "CN=x";
    const GraphicsAddress address = {2, node.c_str(), service.c_str()};
    const GraphicsIdentity identities[] = {{type.c_str(), name.c_str()}, {nullptr, name.c_str()}};
    const GraphicsSubject subject = {2, identities};
    using Graphics = void (*)(void *, void *, int, const void *, const void *, const char *, const void *, void *);
    reinterpret_cast<Graphics>(function)(&connection, &domain, 1, &address, nullptr, scheme.c_str(), &subject, opaque);
    for (std::string *text : {&node, &service, &scheme, &type, &name}) text->assign(text->size(), '?');
  }
  CallbackMessage *message = environment.next();
  require(message != nullptr && message->count() == 7, "a message has all arguments");
  require(message->value(0).p == &connection && message->value(1).p == &domain, "addresses are kept");
  require(references == 1, "one reference is taken, to the domain");
  const auto *address = message->value(3).as<GraphicsAddress>();
  require(address->family == 2 && strcmp(address->node, "node") == 0 && strcmp(address->service, "5900") == 0,
          "an address is copied with its strings");
  require(message->value(4).p == nullptr, "NULL stays NULL");
  require(strcmp(message->value(5).as<char>(), "vnc") == 0, "a string is copied");
  const auto *subject = message->value(6).as<GraphicsSubject>();
  require(subject->count == 2 && strcmp(subject->identities[0].type, "dname") == 0 &&
              subject->identities[1].type == nullptr && strcmp(subject->identities[1].name, "CN=x") == 0,
          "a subject is copied with its identities");
  CallbackMessage::release(message);
  require(references == 0, "the reference is given back");
  letGo(opaque);
}

void nonsenseDoesNoHarm() {
  Environment environment;
  void *function;
  void *opaque = environment.listen(CallbackType::virConnectDomainEventTunableCallback, &function);
  using Tunable = void (*)(void *, void *, void *, int, void *);
  TypedParameter parameter = {};
  memset(parameter.field, 'f', sizeof parameter.field);
  parameter.type = 99;
  reinterpret_cast<Tunable>(function)(&connection, nullptr, nullptr, 5, opaque);
  reinterpret_cast<Tunable>(function)(&connection, nullptr, &parameter, -1, opaque);
  reinterpret_cast<Tunable>(function)(&connection, nullptr, &parameter, 1, opaque);
  require(environment.drain() == 3, "calls with nothing in them are calls");
  reinterpret_cast<Tunable>(function)(&connection, nullptr, nullptr, 0, nullptr);
  reinterpret_cast<Tunable>(function)(&connection, nullptr, nullptr, 0, &connection);
  letGo(opaque);
  letGo(opaque);
  letGo(nullptr);
  reinterpret_cast<Tunable>(function)(&connection, nullptr, nullptr, 0, opaque);
  CallbackMessage *farewell = environment.next();
  require(farewell != nullptr && farewell->isFarewell(), "letting go is told");
  CallbackMessage::release(farewell);
  require(environment.next() == nullptr, "once, and nothing comes afterwards");
}

void levelsAreToldOnce() {
  Environment environment;
  void *function;
  void *opaque = environment.listen(CallbackType::virStreamEventCallback, &function);
  const auto tell = reinterpret_cast<void (*)(void *, int, void *)>(function);
  for (int i = 0; i < 10; ++i) tell(nullptr, 1, opaque);
  tell(nullptr, 4, opaque);
  CallbackMessage *message = environment.next();
  require(environment.next() == nullptr, "only one is on its way");
  require(takeLatest(message->registration()) == 5, "with all that was told");
  CallbackMessage::release(message);
  tell(nullptr, 2, opaque);
  require(environment.drain() == 1, "the next one is told anew");
}

// Threads call and call; listeners, and then the environment, go away under them.
void everythingGoesAway() {
  constexpr int kThreads = 4;
  constexpr int kListeners = 16;
  constexpr int kCalls = 3000;
  for (int round = 0; round < 30; ++round) {
    std::atomic<bool> stop{false};
    std::vector<void *> functions(kListeners), opaques(kListeners);
    std::vector<std::thread> threads;
    {
      Environment environment;
      for (int i = 0; i < kListeners; ++i) {
        opaques[i] = environment.listen(CallbackType::virConnectDomainEventCallback, &functions[i]);
      }
      for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
          for (int n = t; n < kCalls && !stop; ++n) {
            const int i = n % kListeners;
            reinterpret_cast<Lifecycle>(functions[i])(&connection, &domain, 1, 2, opaques[i]);
          }
        });
      }
      for (int i = 0; i < kListeners / 2; ++i) {
        environment.drain();
        letGo(opaques[i]);
        std::this_thread::yield();
      }
      environment.close();
    }
    stop = true;
    for (std::thread &thread : threads) thread.join();
    for (void *opaque : opaques) letGo(opaque);
    require(references == 0, "every object is given back");
  }
}

class Question final : public Request {
 public:
  using Request::Request;
  int take(napi_env, napi_value) override { return 42; }
};

void questionsAreAnsweredOrFailed() {
  Environment environment;
  constexpr int kAsking = 30;
  std::atomic<uint64_t> numbers[kAsking] = {};
  int results[kAsking] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < kAsking; ++i) {
    threads.emplace_back([&, i] {
      Question question(static_cast<uint64_t>(i) % 3);
      numbers[i] = environment.mailbox()->open(&question);
      environment.mailbox()->await(&question);
      results[i] = question.result;
    });
  }
  for (int i = 0; i < kAsking; ++i) {
    while (numbers[i] == 0) std::this_thread::yield();
    if (i % 3 == 0) require(environment.mailbox()->answer(numbers[i], nullptr, nullptr), "a question takes an answer");
  }
  require(!environment.mailbox()->answer(numbers[0], nullptr, nullptr), "but not two");
  environment.mailbox()->failAll(1);
  environment.close();  // fails what is left
  for (std::thread &thread : threads) thread.join();
  for (int i = 0; i < kAsking; ++i) require(results[i] == (i % 3 == 0 ? 42 : -1), "each its own result");
  Question late(0);
  require(environment.mailbox()->open(&late) == 0, "nobody is asked any more");
}

}  // namespace

int main() {
  copiesAreWhole();
  nonsenseDoesNoHarm();
  levelsAreToldOnce();
  everythingGoesAway();
  questionsAreAnsweredOrFailed();
  return 0;
}
