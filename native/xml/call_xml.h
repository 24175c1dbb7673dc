// The XML that one call brings along: parsed when a rule first asks, and once.
#pragma once

#include "api/facts.h"
#include "policy/policy.h"
#include "xml/libxml2.h"

namespace virtshim::xml {

class CallXml {
 public:
  // `find` says where libxml2 is, see library(). The arguments stay the caller's, and unchanged.
  CallXml(FunctionId function, const ArgSlot *args, Find find) : function_(function), args_(args), find_(find) {}
  ~CallXml();
  CallXml(const CallXml &) = delete;
  CallXml &operator=(const CallXml &) = delete;

  // See policy::CallFacts.
  policy::Tri present();
  bool values(uint16_t fact, policy::XmlValues *out);
  policy::Tri xpath(const char *expression);

 private:
  struct State;

  void read();

  const FunctionId function_;
  const ArgSlot *const args_;
  const Find find_;
  bool read_ = false;
  policy::Tri present_ = policy::Tri::No;
  State *state_ = nullptr;  // where there is XML that can be read
};

}  // namespace virtshim::xml
