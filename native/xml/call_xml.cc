#include "xml/call_xml.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "api/typed_parameter.h"
#include "api/xml_facts.h"
#include "policy/compare.h"
#include "xml/document.h"
#include "xml/facts.h"
#include "xml/value_list.h"

namespace virtshim::xml {
namespace {

using policy::Tri;

constexpr int kMaxDocuments = 4;          // a function takes two at most, but typed parameters can be repeated
constexpr int64_t kMaxParameters = 1024;  // libvirt refuses longer lists

// The texts among the arguments of a call.
struct Texts {
  const char *list[kMaxDocuments];
  int count = 0;
  bool overflow = false;

  void add(const char *text) {
    if (!text) return;
    if (count < kMaxDocuments) {
      list[count++] = text;
    } else {
      overflow = true;
    }
  }
};

bool holdsXml(const TypedParameter &parameter) {
  if (parameter.type != static_cast<int>(TypedParameterType::String)) return false;
  for (int i = 0; i < kXmlParameterCount; i++) {
    if (!strncmp(parameter.field, kXmlParameters[i], kTypedFieldSize)) return true;
  }
  return false;
}

void addParameters(const FunctionFacts &function, const ArgSlot *args, int index, Texts *texts) {
  auto *parameters = static_cast<const TypedParameter *>(args[index].p);
  const int64_t count = args[function.args[index].count].i;
  if (!parameters) return;
  if (count > kMaxParameters) texts->overflow = true;
  for (int64_t i = 0; i < count && !texts->overflow; i++) {
    if (holdsXml(parameters[i])) texts->add(parameters[i].s);
  }
}

Texts textsOf(FunctionId id, const ArgSlot *args) {
  Texts texts;
  for (int i = 0; i < kXmlArgumentCount; i++) {
    const XmlArgument &xml = kXmlArguments[i];
    if (xml.function != id) continue;
    if (xml.inParameters) {
      addParameters(facts(id), args, xml.arg, &texts);
    } else {
      texts.add(static_cast<const char *>(args[xml.arg].p));
    }
  }
  return texts;
}

}  // namespace

// The values of a fact are collected when it is first asked for: many rules may ask for the same.
struct CallXml::State {
  struct Fact {
    bool collected = false;
    bool readable = false;
    ValueList values;
  };

  explicit State(const Library *found) : library(found) {}
  ~State() { delete[] facts; }
  State(const State &) = delete;
  State &operator=(const State &) = delete;

  const ValueList *valuesOf(uint16_t index);

  const Library *library;
  Parsed documents[kMaxDocuments];
  int count = 0;
  Fact *facts = new (std::nothrow) Fact[kXmlFactCount];
};

const ValueList *CallXml::State::valuesOf(uint16_t index) {
  Fact &fact = facts[index];
  if (!fact.collected) {
    fact.collected = fact.readable = true;
    for (int i = 0; i < count && fact.readable; i++) {
      fact.readable = collect(&documents[i], *library, kXmlFacts[index], &fact.values);
    }
  }
  return fact.readable ? &fact.values : nullptr;
}

CallXml::~CallXml() {
  if (state_) delete state_;
}

void CallXml::read() {
  read_ = true;
  const Texts texts = textsOf(function_, args_);
  if (texts.count == 0 && !texts.overflow) return;
  present_ = Tri::Unknown;
  const Library *found = texts.overflow ? nullptr : library(find_);
  State *state = found ? new (std::nothrow) State(found) : nullptr;
  if (!state) return;
  while (state->count < texts.count && state->documents[state->count].parse(*found, texts.list[state->count])) {
    state->count++;
  }
  if (state->count < texts.count || !state->facts) {
    delete state;
    return;
  }
  state_ = state;
  present_ = Tri::Yes;
}

Tri CallXml::present() {
  if (!read_) read();
  return present_;
}

bool CallXml::values(uint16_t fact, policy::XmlValues *out) {
  if (present() != Tri::Yes || fact >= kXmlFactCount) return false;
  const ValueList *values = state_->valuesOf(fact);
  if (values) values->handOut(out);
  return values != nullptr;
}

// Where a call brings several documents, the expression counts as the values of a fact do.
Tri CallXml::xpath(const char *expression) {
  if (present() != Tri::Yes) return present_;
  policy::Tally tally;
  for (int i = 0; i < state_->count; i++) {
    Parsed &document = state_->documents[i];
    XPathResult *result = document.evaluate(document.root(), expression);
    if (!result) return Tri::Unknown;
    tally.count(state_->library->toBoolean(result) != 0);
    state_->library->freeResult(result);
  }
  return tally.result(false);
}

}  // namespace virtshim::xml
