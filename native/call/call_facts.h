// The facts of a live call, each found once, when first asked, from the call's own arguments and objects.
#pragma once

#include <string_view>

#include "api/facts.h"
#include "call/caller_facts.h"
#include "call/connections.h"
#include "call/owned_text.h"
#include "libvirt/objects.h"
#include "policy/policy.h"
#include "xml/call_xml.h"

namespace virtshim {

// Whether a call that opens a connection asks for a read-only one.
policy::Tri opensReadOnly(FunctionId id, const ArgSlot *args);

class LiveCallFacts final : public policy::CallFacts {
 public:
  LiveCallFacts(FunctionId id, const ArgSlot *args);
  ~LiveCallFacts();
  LiveCallFacts(const LiveCallFacts &) = delete;
  LiveCallFacts &operator=(const LiveCallFacts &) = delete;

  uint32_t uid() override;
  bool inGroup(uint32_t gid) override;
  policy::MaybeString connectionUri() override;
  policy::MaybeString connectionDriver() override;
  policy::Tri connectionReadOnly() override;
  ObjectKind resourceKind() override;
  policy::MaybeString resourceName() override;
  policy::MaybeString resourceUuid() override;
  policy::MaybeId auid() override;
  policy::MaybeString executable() override;
  policy::MaybeString command() override;
  policy::MaybeString terminal() override;
  policy::MaybeString label() override;
  policy::MaybeString actor() override;
  policy::MaybeString reason() override;
  policy::MaybeString connectionTransport() override;
  policy::MaybeString connectionHost() override;
  policy::MonitorCommands monitorCommands() override;
  policy::Tri xml() override { return xml_.present(); }
  bool xmlValues(uint16_t fact, policy::XmlValues *out) override { return xml_.values(fact, out); }
  policy::Tri xpath(const char *expression) override { return xml_.xpath(expression); }
  policy::MaybeTime realtime() override;
  policy::Tri rateReached(const policy::image::Rate &rate) override;

  // From now on no call is counted, and no limit is reached: for calls that libvirt makes to itself, and for a look
  // ahead.
  void leaveUncounted() { counts_ = false; }
  // Whether a limit was asked for since then.
  bool limitAsked() const { return limitAsked_; }

  // For records: a snapshot's own name, where resourceName() is that of the guest it belongs to.
  std::string_view resourceOwnName();
  std::string_view resourceParent();
  const ConnectionFacts *connection();

  // The connection that the call goes through, borrowed; nullptr where there is none, or none any more.
  void *liveConnection();

  // Finds everything a record needs, while the objects are certain to exist.
  void gather();

  // True once some fact was asked for that only the result of the call can tell.
  bool missedFacts() const { return missed_; }

  // Takes the object that the call returned: from now on it is the connection (of an open), or the resource where the
  // call had none in hand.
  void learnFromResult(void *object);

 private:
  void findResource();
  void findResourceInArguments();
  bool isPartOfGuest();  // a snapshot or checkpoint
  void findName();
  void findUuid();
  void findParent();
  void forgetConnection();
  void learnName(std::string_view name);
  void learnUuidBytes(const uint8_t *bytes);
  void learnFromString(const ArgFacts &arg, const char *text);
  void findConnection();
  void *connectionPointer();
  policy::MaybeString ofConnection(policy::MaybeString (*part)(const ConnectionFacts *));
  policy::MaybeString maybe(bool known, std::string_view value);

  // What was said of a limit holds for the call: it is counted once, however often it is judged.
  struct Counted {
    const policy::image::Rate *rate;
    policy::Tri reached;
  };
  static constexpr int kMaxCounted = 16;

  FunctionId id_;
  const FunctionFacts &function_;
  const ArgSlot *args_;
  void *result_ = nullptr;
  void *object_ = nullptr;  // the resource, where the call has it in hand; checked to be of kind objectKind_
  ObjectKind objectKind_ = ObjectKind::None;
  bool resourceFound_ = false;
  bool nameFound_ = false;
  bool uuidFound_ = false;
  bool parentFound_ = false;
  bool connectionFound_ = false;
  bool missed_ = false;
  bool uidKnown_ = false;
  uint32_t uid_ = 0;
  bool counts_ = true;
  bool limitAsked_ = false;
  int countedLimits_ = 0;
  Counted counted_[kMaxCounted];
  int64_t realtime_ = 0;  // 0 where nobody asked yet
  CallerFacts caller_;
  bool nameKnown_ = false;
  bool uuidKnown_ = false;
  bool parentKnown_ = false;
  OwnedText name_;
  OwnedText parent_;
  char uuid_[kUuidStringLength + 1] = "";
  xml::CallXml xml_;
  ConnectionFacts *connection_ = nullptr;  // a reference of ours
};

}  // namespace virtshim
