// Checks an image before anything in it is trusted. Whoever wrote the bytes, decide() must stay inside them and end:
// every offset, count, index and enum value is checked here, each section once, so that loading takes linear time.
#include <cstring>

#include "api/xml_facts.h"
#include "policy/checks.h"
#include "policy/policy.h"
#include "sys/sha256.h"

namespace virtshim::policy {

namespace {

using namespace image;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "policy images are little-endian and read in place");

ImageError checkHeader(const uint8_t *bytes, size_t size) {
  Header header;
  if (size < sizeof header) {
    const size_t known = size < sizeof kMagic ? size : sizeof kMagic;
    return memcmp(bytes, kMagic, known) == 0 ? ImageError::Truncated : ImageError::NotAnImage;
  }
  memcpy(&header, bytes, sizeof header);
  if (memcmp(header.magic, kMagic, sizeof kMagic) != 0) return ImageError::NotAnImage;
  if (header.version != kVersion) return ImageError::Version;
  if (size < header.totalSize) return ImageError::Truncated;
  if (header.headerSize != sizeof(Header) || header.totalSize != size) return ImageError::Corrupt;
  if (size < sizeof(Header) + sizeof(Body)) return ImageError::Corrupt;
  if (header.apiFingerprint != kApiFingerprint) return ImageError::Foreign;
  uint8_t sum[sizeof header.checksum];
  sha256(bytes + sizeof header, size - sizeof header, sum);
  return memcmp(sum, header.checksum, sizeof sum) == 0 ? ImageError::Ok : ImageError::Checksum;
}

template <typename T>
bool place(const uint8_t *bytes, const Section &section, const T **out) {
  const uint64_t end = section.offset + static_cast<uint64_t>(section.count) * sizeof(T);
  const uint64_t total = reinterpret_cast<const Header *>(bytes)->totalSize;
  if (section.offset % kAlignment != 0 || section.offset < sizeof(Header) + sizeof(Body) || end > total) return false;
  *out = reinterpret_cast<const T *>(bytes + section.offset);
  return true;
}

bool placeSections(const uint8_t *bytes, View *view) {
  const Body &body = *view->body;
  return place(bytes, body.functions, &view->functions) && place(bytes, body.groups, &view->groups) &&
         place(bytes, body.keys, &view->keys) && place(bytes, body.candidates, &view->candidates) &&
         place(bytes, body.slots, &view->slots) && place(bytes, body.rules, &view->rules) &&
         place(bytes, body.ids, &view->ids) && place(bytes, body.globRefs, &view->globRefs) &&
         place(bytes, body.globs, &view->globs) && place(bytes, body.arguments, &view->arguments) &&
         place(bytes, body.conditions, &view->conditions) && place(bytes, body.parameters, &view->parameters) &&
         place(bytes, body.xmlTests, &view->xmlTests) && place(bytes, body.windows, &view->windows) &&
         place(bytes, body.transitions, &view->transitions) && place(bytes, body.rates, &view->rates) &&
         place(bytes, body.strings, &view->strings);
}

bool within(const Range &range, const Section &section) {
  return static_cast<uint64_t>(range.first) + range.count <= section.count;
}

bool indexOrNone(uint32_t index, const Section &section) { return index == kNone || index < section.count; }

bool checkBody(const View &view) {
  const Body &body = *view.body;
  // A final NUL makes every offset into the strings the start of a C string.
  if (body.strings.count == 0 || view.strings[body.strings.count - 1] != '\0') return false;
  return body.mode <= static_cast<uint8_t>(Mode::Disabled) && body.unknownApi <= static_cast<uint8_t>(Mode::Disabled) &&
         body.onAuditFailure <= static_cast<uint8_t>(OnAuditFailure::Allow) &&
         body.audit <= (kAuditNetlink | kAuditFileAlways) && body.name < body.strings.count &&
         body.trail < body.strings.count && body.functions.count == kFunctionCount;
}

bool checkFunction(const View &view, const image::Function &function) {
  return indexOrNone(function.denyGroup, view.body->groups) && indexOrNone(function.allowGroup, view.body->groups) &&
         function.auditLevel <= static_cast<uint8_t>(AuditLevel::RequestResponse);
}

bool checkGroup(const View &view, const Group &group) {
  if (!indexOrNone(group.root, view.body->candidates)) return false;
  if (group.keys.count > kMaxKeys || !within(group.keys, view.body->keys)) return false;
  if (group.keys.count == 0) return true;
  const uint64_t capacity = static_cast<uint64_t>(group.slotMask) + 1;
  return (capacity & group.slotMask) == 0 && group.slots + capacity <= view.body->slots.count;
}

bool checkKey(const View &view, const Key &key) {
  if (static_cast<uint8_t>(key.fact) >= kFactCount || !indexOrNone(key.unknown, view.body->candidates)) return false;
  return key.fact != Fact::Argument || key.argument < kArgNameCount;
}

bool checkCandidate(const View &view, const Candidate &candidate) {
  return candidate.rule < view.body->rules.count && indexOrNone(candidate.glob, view.body->globs) &&
         candidate.last <= 1 && static_cast<uint8_t>(candidate.fact) < kFactCount;
}

bool checkRule(const View &view, const Rule &rule) {
  const Body &body = *view.body;
  return rule.id < body.strings.count && rule.kinds < (1u << kObjectKindCount) && within(rule.uids, body.ids) &&
         within(rule.gids, body.ids) && within(rule.uris, body.globRefs) && within(rule.drivers, body.globRefs) &&
         within(rule.names, body.globRefs) && within(rule.uuids, body.globRefs) &&
         within(rule.arguments, body.arguments) && within(rule.conditions, body.conditions) &&
         rule.effect <= static_cast<uint8_t>(Effect::Deny) && rule.readOnly <= static_cast<uint8_t>(ReadOnly::Never) &&
         rule.permissive <= 1;
}

bool checkCondition(const View &view, const Condition &condition) {
  const Body &body = *view.body;
  const Range range = {condition.first, condition.count};
  if (condition.negated > 1) return false;
  switch (condition.kind) {
    case ConditionKind::Kinds: return condition.first < (1u << kObjectKindCount);
    case ConditionKind::ReadOnly: return condition.first <= static_cast<uint8_t>(ReadOnly::Never);
    case ConditionKind::Uids:
    case ConditionKind::Gids:
    case ConditionKind::Auids: return within(range, body.ids);
    case ConditionKind::Names:
    case ConditionKind::Uuids:
    case ConditionKind::Drivers:
    case ConditionKind::Uris:
    case ConditionKind::Executables:
    case ConditionKind::Commands:
    case ConditionKind::Terminals:
    case ConditionKind::Labels:
    case ConditionKind::Actors:
    case ConditionKind::Transports:
    case ConditionKind::Hosts:
    case ConditionKind::Monitor: return within(range, body.globRefs);
    case ConditionKind::Argument: return condition.first < body.arguments.count;
    case ConditionKind::Parameter: return condition.first < body.parameters.count;
    case ConditionKind::XmlFact: return condition.first < body.xmlTests.count;
    case ConditionKind::XPath: return condition.first < body.strings.count;
    case ConditionKind::Time: return within(range, body.windows);
    case ConditionKind::Rate: return condition.first < body.rates.count;
    case ConditionKind::Reason: return true;
  }
  return false;
}

bool checkGlob(const View &view, const Glob &glob) {
  return within({glob.literal, glob.literalSize}, view.body->strings) &&
         within({glob.rest, glob.restSize}, view.body->strings) && glob.form <= GlobForm::General;
}

// Of arguments, parameters and XML tests.
template <typename T>
bool checkComparison(const View &view, const T &comparison) {
  if (static_cast<uint8_t>(comparison.op) >= kOperatorCount) return false;
  if (comparison.operand == Operand::Glob) return comparison.glob < view.body->globs.count;
  return static_cast<uint8_t>(comparison.operand) < kOperandCount;
}

bool checkArgument(const View &view, const Argument &argument) {
  return argument.nameId < kArgNameCount && checkComparison(view, argument);
}

bool checkParameter(const View &view, const Parameter &parameter) {
  return parameter.nameId < kArgNameCount && parameter.field < view.body->globs.count &&
         checkComparison(view, parameter);
}

bool checkXmlTest(const View &view, const XmlTest &test) {
  return test.fact < kXmlFactCount && checkComparison(view, test);
}

bool checkWindow(const View &view, const Window &window) {
  return window.from < kMinutesOfDay && window.to <= kMinutesOfDay && window.days <= kAllDays &&
         window.transitions.count != 0 && within(window.transitions, view.body->transitions);
}

bool checkTransition(const View &, const Transition &transition) {
  return transition.offsetSeconds > -kMaxOffset && transition.offsetSeconds < kMaxOffset;
}

bool checkRate(const View &, const Rate &rate) { return rate.per <= Per::Host && rate.seconds != 0; }

template <typename T, typename Check>
bool each(const View &view, const T *items, const Section &section, Check check) {
  for (uint32_t i = 0; i < section.count; ++i) {
    if (!check(view, items[i])) return false;
  }
  return true;
}

bool checkSections(const View &view) {
  const Body &body = *view.body;
  const auto checkSlot = [](const View &v, const Slot &slot) { return indexOrNone(slot.first, v.body->candidates); };
  const auto checkGlobRef = [](const View &v, uint32_t ref) { return ref < v.body->globs.count; };
  // A last candidate that is `last` ends every list inside the section.
  if (body.candidates.count != 0 && view.candidates[body.candidates.count - 1].last != 1) return false;
  return each(view, view.functions, body.functions, checkFunction) &&
         each(view, view.groups, body.groups, checkGroup) && each(view, view.keys, body.keys, checkKey) &&
         each(view, view.candidates, body.candidates, checkCandidate) &&
         each(view, view.slots, body.slots, checkSlot) && each(view, view.rules, body.rules, checkRule) &&
         each(view, view.globRefs, body.globRefs, checkGlobRef) && each(view, view.globs, body.globs, checkGlob) &&
         each(view, view.arguments, body.arguments, checkArgument) &&
         each(view, view.conditions, body.conditions, checkCondition) &&
         each(view, view.parameters, body.parameters, checkParameter) &&
         each(view, view.xmlTests, body.xmlTests, checkXmlTest) &&
         each(view, view.windows, body.windows, checkWindow) &&
         each(view, view.transitions, body.transitions, checkTransition) &&
         each(view, view.rates, body.rates, checkRate);
}

// The checks that the group's rules cover for every call.
uint16_t alwaysCovered(const View &view, uint32_t group) {
  return group == kNone ? uint16_t{0} : static_cast<uint16_t>(view.groups[group].alwaysCovered);
}

}  // namespace

ImageError Policy::load(const uint8_t *bytes, size_t size, Policy *out) {
  const ImageError error = checkHeader(bytes, size);
  if (error != ImageError::Ok) return error;
  if (reinterpret_cast<uintptr_t>(bytes) % kAlignment != 0) return ImageError::Corrupt;
  Policy policy;
  policy.view_.header = reinterpret_cast<const Header *>(bytes);
  policy.view_.body = reinterpret_cast<const Body *>(bytes + sizeof(Header));
  if (!placeSections(bytes, &policy.view_) || !checkBody(policy.view_) || !checkSections(policy.view_)) {
    return ImageError::Corrupt;
  }
  policy.noteRefusals();
  *out = policy;
  return ImageError::Ok;
}

void Policy::noteRefusals() {
  for (uint16_t i = 0; i < kFunctionCount; ++i) {
    const image::Function &function = view_.functions[i];
    const uint16_t uncovered = possibleChecks(kFunctions[i]) & ~alwaysCovered(view_, function.allowGroup);
    const uint64_t bit = uint64_t{1} << (i % 64);
    const bool denied = function.denyGroup != kNone;
    if (denied || (uncovered & function.defaultDeny) != 0) mayRefuse_[0][i / 64] |= bit;
    if (denied && kFunctions[i].stateChanging) mayRefuse_[1][i / 64] |= bit;
  }
}

}  // namespace virtshim::policy
