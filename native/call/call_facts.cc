#include "call/call_facts.h"

#include <cstdlib>
#include <cstring>

#include "call/actor.h"
#include "call/object_xml.h"
#include "call/pipeline.h"
#include "call/rates.h"
#include "libvirt/real.h"
#include "libvirt/uuid.h"
#include "policy/kinds.h"
#include "policy/monitor_command.h"
#include "sys/clock.h"
#include "sys/identity.h"

namespace virtshim {
namespace {

bool isNamed(const ArgFacts &arg, std::string_view name) { return name == arg.name; }

bool isXml(const ArgFacts &arg) { return isNamed(arg, "xml") || isNamed(arg, "xmlDesc") || isNamed(arg, "xmldesc"); }

// Kinds whose definition carries the object's own name: of a filter it is an attribute, and a <name> within is nothing
// that libvirt would look at.
bool isNamedByXml(ObjectKind kind) {
  return kind == ObjectKind::Domain || kind == ObjectKind::Network || kind == ObjectKind::StoragePool ||
         kind == ObjectKind::NWFilter;
}

bool nameInXml(ObjectKind kind, std::string_view xml, std::string_view *name) {
  if (!isNamedByXml(kind)) return false;
  return kind == ObjectKind::NWFilter ? rootAttribute(xml, "name", name) : childText(xml, "name", name);
}

bool hasUuid(ObjectKind kind) {
  return isNamedByXml(kind) || kind == ObjectKind::Secret || kind == ObjectKind::NetworkPort;
}

policy::Tri toTri(bool value) { return value ? policy::Tri::Yes : policy::Tri::No; }

constexpr uint64_t kConnectReadOnly = 1;  // VIR_CONNECT_RO

// virDomainRestore and its like: they need permissions on a guest that only the file they name can tell.
bool actsOnUnseenObject(const FunctionFacts &function) {
  if (function.resourceArg >= 0 || function.checkCount == 0) return false;
  return function.object != ObjectKind::None && function.object != ObjectKind::Connect &&
         strncmp(kPermissionNames[function.checks[0].permission], "connect.", 8) != 0;
}

}  // namespace

policy::Tri opensReadOnly(FunctionId id, const ArgSlot *args) {
  if (id == FunctionId::virConnectOpenReadOnly) return policy::Tri::Yes;
  if (id == FunctionId::virConnectOpenAuth) return toTri(args[facts(id).flagsArg].u & kConnectReadOnly);
  return policy::Tri::No;
}

// What libvirt depends on is found through it: the XML is read by the library that libvirt reads it by.
LiveCallFacts::LiveCallFacts(FunctionId id, const ArgSlot *args)
    : id_(id), function_(facts(id)), args_(args), xml_(id, args, findPrivate) {}

LiveCallFacts::~LiveCallFacts() {
  if (connection_) releaseConnectionFacts(connection_);
}

// Kept for the call: every rule about users asks, and each answer is a system call.
uint32_t LiveCallFacts::uid() {
  if (!uidKnown_) uid_ = currentUid();
  uidKnown_ = true;
  return uid_;
}

policy::MaybeId LiveCallFacts::auid() { return caller_.auid(); }
policy::MaybeString LiveCallFacts::executable() { return caller_.executable(); }
policy::MaybeString LiveCallFacts::command() { return caller_.command(); }
policy::MaybeString LiveCallFacts::terminal() { return caller_.terminal(); }
policy::MaybeString LiveCallFacts::label() { return caller_.label(); }
policy::MaybeString LiveCallFacts::actor() { return {true, currentActor().actor}; }
policy::MaybeString LiveCallFacts::reason() { return {true, currentActor().reason}; }
policy::MonitorCommands LiveCallFacts::monitorCommands() { return policy::monitorCommandsOf(id_, args_); }

policy::MaybeTime LiveCallFacts::realtime() {
  constexpr int64_t kSecondNs = 1000000000;
  if (realtime_ == 0) realtime_ = realtimeNs();
  // Rounded down before 1970, too.
  return {true, realtime_ / kSecondNs - (realtime_ % kSecondNs < 0 ? 1 : 0)};
}

policy::Tri LiveCallFacts::rateReached(const policy::image::Rate &rate) {
  limitAsked_ = true;
  if (!counts_) return policy::Tri::No;
  // The call is judged again by what it returns, and may turn out to be none that the rule is about.
  if (missed_ && !result_ && isJudgedByResult(function_)) return policy::Tri::Unknown;
  for (int i = 0; i < countedLimits_; i++) {
    if (counted_[i].rate == &rate) return counted_[i].reached;
  }
  if (countedLimits_ == kMaxCounted) return policy::Tri::Unknown;
  const bool perSubject = rate.per == policy::image::Per::Subject;
  const RateSubject subject = {perSubject ? auid() : policy::MaybeId{}, perSubject ? uid() : 0};
  return (counted_[countedLimits_++] = {&rate, countAgainst(rate, subject)}).reached;
}

bool LiveCallFacts::inGroup(uint32_t gid) { return virtshim::inGroup(gid); }

policy::MaybeString LiveCallFacts::maybe(bool known, std::string_view value) {
  if (!known) missed_ = true;
  return {known, value};
}

policy::MaybeString LiveCallFacts::connectionUri() {
  findConnection();
  return maybe(connection_, connection_ ? uriOf(connection_) : std::string_view());
}

policy::MaybeString LiveCallFacts::connectionDriver() { return ofConnection(driverOf); }
policy::MaybeString LiveCallFacts::connectionTransport() { return ofConnection(transportOf); }
policy::MaybeString LiveCallFacts::connectionHost() { return ofConnection(hostOf); }

policy::MaybeString LiveCallFacts::ofConnection(policy::MaybeString (*part)(const ConnectionFacts *)) {
  findConnection();
  // What a URI leaves open, its connection does not tell either: nothing is opened to find out.
  return connection_ ? part(connection_) : maybe(false, {});
}

policy::Tri LiveCallFacts::connectionReadOnly() {
  findConnection();
  if (!connection_) missed_ = true;
  return connection_ ? readOnlyOf(connection_) : policy::Tri::Unknown;
}

ObjectKind LiveCallFacts::resourceKind() {
  return function_.object == ObjectKind::None ? ObjectKind::Connect : function_.object;
}

policy::MaybeString LiveCallFacts::resourceName() {
  if (!isPartOfGuest()) {
    findName();
    return maybe(nameKnown_, name_.view());
  }
  findParent();
  return maybe(parentKnown_, parent_.view());
}

std::string_view LiveCallFacts::resourceOwnName() {
  findName();
  return name_.view();
}

policy::MaybeString LiveCallFacts::resourceUuid() {
  findUuid();
  return maybe(uuidKnown_, uuid_);
}

std::string_view LiveCallFacts::resourceParent() {
  findParent();
  return parent_.view();
}

const ConnectionFacts *LiveCallFacts::connection() {
  findConnection();
  return connection_;
}

void *LiveCallFacts::liveConnection() {
  void *pointer = isOpen(function_) ? nullptr : connectionPointer();
  return isObject(ObjectKind::Connect, pointer) ? pointer : nullptr;
}

void LiveCallFacts::gather() {
  findConnection();
  findName();
  findUuid();
  findParent();
}

void LiveCallFacts::learnFromResult(void *object) {
  result_ = object;
  missed_ = false;
  if (isOpen(function_)) return forgetConnection();
  // What a call makes inside its resource (a snapshot of a guest, a volume of a pool) does not become the resource.
  if (function_.resourceArg < 0) resourceFound_ = nameFound_ = uuidFound_ = parentFound_ = false;
}

void LiveCallFacts::forgetConnection() {
  releaseConnectionFacts(connection_);
  connection_ = nullptr;
  connectionFound_ = false;
}

// Whether the resource is an object that the call has in hand, or is only spoken of in its arguments.
void LiveCallFacts::findResource() {
  if (resourceFound_) return;
  resourceFound_ = true;
  void *object = nullptr;
  if (function_.resourceArg >= 0) {
    object = const_cast<void *>(args_[function_.resourceArg].p);
    objectKind_ = function_.object;
  } else if (result_ && !isOpen(function_)) {
    object = result_;
    objectKind_ = function_.returnsObject;
  } else {
    return findResourceInArguments();
  }
  if (isObject(objectKind_, object)) object_ = object;
}

bool LiveCallFacts::isPartOfGuest() {
  findResource();
  return object_ && policy::judgedKind(objectKind_) != objectKind_;
}

void LiveCallFacts::findName() {
  findResource();
  if (nameFound_ || !object_) return;
  nameFound_ = nameKnown_ = true;
  if (const char *name = nameOf(objectKind_, object_)) name_.assign(name);
}

void LiveCallFacts::findUuid() {
  findResource();
  if (uuidFound_ || !object_) return;
  uuidFound_ = uuidKnown_ = true;
  ObjectKind kind = objectKind_;
  void *object = isPartOfGuest() ? parentOf(objectKind_, object_, &kind) : object_;
  if (object) uuidOf(kind, object, uuid_);
}

void LiveCallFacts::findParent() {
  findResource();
  if (parentFound_ || !object_) return;
  parentFound_ = true;
  ObjectKind kind;
  void *parent = parentOf(objectKind_, object_, &kind);
  const char *name = parent ? nameOf(kind, parent) : nullptr;
  parentKnown_ = name;
  if (name) parent_.assign(name);
}

// A look-up says whom it looks for, a definition whom it defines; what a saved image holds is not known. Calls on the
// host or on lists have no resource with a name, and that much is known.
void LiveCallFacts::findResourceInArguments() {
  bool aboutOne = (function_.returnsObject != ObjectKind::None && !isOpen(function_)) || actsOnUnseenObject(function_);
  nameKnown_ = uuidKnown_ = !aboutOne;
  if (!aboutOne) return;
  uuidKnown_ = !hasUuid(function_.object);
  for (int i = 0; i < function_.argCount; i++) {
    const ArgFacts &arg = function_.args[i];
    if (!args_[i].p) continue;
    if (arg.type == ArgType::Uuid) learnUuidBytes(static_cast<const uint8_t *>(args_[i].p));
    if (arg.type == ArgType::String) learnFromString(arg, static_cast<const char *>(args_[i].p));
  }
}

void LiveCallFacts::learnName(std::string_view name) {
  name_.assign(name);
  nameKnown_ = true;
}

void LiveCallFacts::learnUuidBytes(const uint8_t *bytes) {
  formatUuid(bytes, uuid_);
  uuidKnown_ = true;
}

void LiveCallFacts::learnFromString(const ArgFacts &arg, const char *text) {
  std::string_view found;
  if (isNamed(arg, "name")) learnName(text);
  if (isNamed(arg, "uuidstr")) uuidKnown_ = parseUuid(text, uuid_);
  if (!isXml(arg) || !hasUuid(function_.object)) return;
  if (nameInXml(function_.object, text, &found)) learnName(found);
  if (childText(text, "uuid", &found)) uuidKnown_ = parseUuid(found, uuid_);
}

void *LiveCallFacts::connectionPointer() {
  if (result_ && isOpen(function_)) return result_;
  if (function_.connectArg >= 0) return const_cast<void *>(args_[function_.connectArg].p);
  // Not always the resource: a volume is looked up in a pool.
  int at = function_.resourceArg >= 0 ? function_.resourceArg : 0;
  if (at >= function_.argCount || function_.args[at].type != ArgType::Object) return nullptr;
  ObjectKind kind = function_.args[at].object;
  if (at == function_.resourceArg && kind == function_.object) {
    findResource();
    return object_ ? connectionOf(kind, object_) : nullptr;
  }
  void *object = const_cast<void *>(args_[at].p);
  return isObject(kind, object) ? connectionOf(kind, object) : nullptr;
}

void LiveCallFacts::findConnection() {
  if (connectionFound_) return;
  connectionFound_ = true;
  if (isOpen(function_) && !result_) {
    // A name without a colon may be an alias of libvirt.conf: what it stands for is known once it is open. So is what
    // libvirt finds where nothing is named; all that is opened is judged again by it.
    auto *uri = static_cast<const char *>(args_[0].p);
    if (!uri || !*uri) uri = getenv("LIBVIRT_DEFAULT_URI");
    if (uri && strchr(uri, ':')) connection_ = makeConnectionFacts(uri, opensReadOnly(id_, args_));
    return;
  }
  void *pointer = connectionPointer();
  connection_ = pointer ? virtshim::findConnection(pointer) : findCommonConnection();
}

}  // namespace virtshim
