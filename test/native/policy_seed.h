// A small image with every feature of the format in it, laid out by hand: what hostile images are made from.
#pragma once

#include <cstring>
#include <vector>

#include "policy/policy.h"
#include "sys/sha256.h"

namespace policy_test {

namespace image = virtshim::policy::image;
using Image = std::vector<uint64_t>;  // for the alignment

inline uint8_t *bytesOf(Image &words) { return reinterpret_cast<uint8_t *>(words.data()); }

// Makes the header fit the bytes after it, so that what is wrong with those is found and not the checksum.
inline void seal(uint8_t *bytes, size_t size) {
  image::Header header = {};
  memcpy(header.magic, image::kMagic, sizeof header.magic);
  header.version = image::kVersion;
  header.headerSize = sizeof header;
  header.totalSize = size;
  header.apiFingerprint = virtshim::kApiFingerprint;
  virtshim::sha256(bytes + sizeof header, size - sizeof header, header.checksum);
  memcpy(bytes, &header, sizeof header);
}

class Seed {
 public:
  Image build() {
    writeStrings();
    writeRules();
    writeConditions();
    writeGroup();
    writeFurtherGroup();
    writeFunctions();
    return assemble();
  }

 private:
  std::vector<image::Function> functions_;
  std::vector<image::Group> groups_;
  std::vector<image::Key> keys_;
  std::vector<image::Candidate> candidates_;
  std::vector<image::Slot> slots_;
  std::vector<image::Rule> rules_;
  std::vector<uint32_t> ids_ = {0, 1000, 5};
  std::vector<uint32_t> globRefs_ = {0, 1, 2};
  std::vector<image::Glob> globs_;
  std::vector<image::Argument> arguments_;
  std::vector<image::Condition> conditions_;
  std::vector<image::Parameter> parameters_;
  std::vector<image::XmlTest> xmlTests_;
  std::vector<image::Window> windows_;
  std::vector<image::Transition> transitions_;
  std::vector<image::Rate> rates_;
  std::vector<char> strings_;

  uint32_t text(const char *string) {
    const uint32_t at = static_cast<uint32_t>(strings_.size());
    strings_.insert(strings_.end(), string, string + strlen(string) + 1);
    return at;
  }

  void writeStrings() {
    text("");
    globs_.push_back({text("guest"), 5, 0, 0, image::GlobForm::Exact});
    globs_.push_back({text("prod-"), 5, 0, 0, image::GlobForm::Prefix});
    globs_.push_back({text("db"), 2, text("*-?x"), 4, image::GlobForm::General});
  }

  void writeRules() {
    const uint16_t flags = nameIdOf("flags");
    arguments_.push_back({flags, image::Operator::HasAny, image::Operand::Unsigned, image::kNone, 4});
    arguments_.push_back({nameIdOf("name"), image::Operator::NotEqual, image::Operand::Glob, 2, 0});
    image::Rule named = {};
    named.id = text("named");
    named.kinds = 1u << static_cast<int>(virtshim::ObjectKind::Domain);
    named.names = {0, 3};
    named.effect = 1;
    rules_.push_back(named);
    image::Rule rest = {};
    rest.id = text("rest");
    rest.uids = {0, 2};
    rest.gids = {2, 1};
    rest.uris = rest.drivers = rest.uuids = {1, 2};
    rest.readOnly = 1;
    rest.effect = 1;
    rules_.push_back(rest);
    image::Rule compared = {};
    compared.id = text("compared");
    compared.arguments = {0, 2};
    rules_.push_back(compared);
  }

  // A rule for each kind of condition, which asks for it and for its opposite.
  void writeConditions() {
    writeTests();
    for (uint8_t i = 0; i < image::kConditionKindCount; ++i) {
      const auto kind = static_cast<image::ConditionKind>(i);
      const image::Range part = partOf(kind);
      image::Rule rule = {};
      rule.id = text("kind");
      rule.conditions = {static_cast<uint32_t>(conditions_.size()), 2};
      rule.effect = i & 1;
      rule.permissive = i % 4 == 1;
      rules_.push_back(rule);
      conditions_.push_back({kind, 0, 0, part.first, part.count});
      conditions_.push_back({kind, 1, 0, part.first, part.count});
    }
  }

  void writeTests() {
    using image::Operand;
    using image::Operator;
    const uint16_t params = nameIdOf("params");
    parameters_.push_back({1, params, Operator::Less, Operand::Signed, image::kNone, 0, 9});
    parameters_.push_back({2, params, Operator::Equal, Operand::Glob, 2, 0, 0});
    xmlTests_.push_back({0, Operator::NotEqual, Operand::Glob, 1, 0});
    xmlTests_.push_back({1, Operator::GreaterOrEqual, Operand::Unsigned, image::kNone, 2});
    transitions_ = {{0, 3600, 0}, {1000000000, 7200, 0}, {1500000000, 3600, 0}};
    windows_.push_back({1320, 360, 0x1f, {}, {0, 3}});
    windows_.push_back({0, 1440, 0x60, {}, {1, 2}});
    rates_.push_back({3, 60, image::Per::Host, {}, 77});
  }

  image::Range partOf(image::ConditionKind kind) {
    using image::ConditionKind;
    switch (kind) {
      case ConditionKind::Kinds: return {1u << static_cast<int>(virtshim::ObjectKind::Domain), 0};
      case ConditionKind::ReadOnly: return {1, 0};
      case ConditionKind::XPath: return {text("//disk"), 0};
      case ConditionKind::Argument:
      case ConditionKind::Parameter:
      case ConditionKind::XmlFact:
      case ConditionKind::Rate:
      case ConditionKind::Reason: return {0, 0};
      case ConditionKind::Time: return {0, 2};
      default: return {0, 3};  // of ids or globs
    }
  }

  static uint16_t nameIdOf(const char *name) {
    uint16_t id = 0;
    while (strcmp(virtshim::kArgNames[id], name) != 0) ++id;
    return id;
  }

  uint32_t list(std::vector<image::Candidate> candidates) {
    const uint32_t first = static_cast<uint32_t>(candidates_.size());
    candidates.back().last = 1;
    candidates_.insert(candidates_.end(), candidates.begin(), candidates.end());
    return first;
  }

  static image::Candidate candidate(uint32_t rule, image::Fact fact, uint32_t glob = image::kNone,
                                    uint16_t checks = 0xffff) {
    return {rule, glob, checks, 0, fact};
  }

  // Every fact and every form of literal has a key; only those of names, uids and flags lead to a rule.
  void writeGroup() {
    using image::Fact;
    slots_.assign(16, {0, image::kNone});
    const uint32_t named = list({candidate(0, Fact::Name)});
    addKey(Fact::Name, 0, 1u << 4 | 1u << 1, 1u << 2, named);
    addKey(Fact::Uri, 1, 1u << 3, 1u << 5, list({candidate(0, Fact::Uri), candidate(1, Fact::Uri, image::kNone, 1)}));
    addKey(Fact::Driver, 1, 0, 1u << 1, list({candidate(1, Fact::Driver, image::kNone, 2)}));
    addKey(Fact::Uid, 1, 0, 0, image::kNone);
    addKey(Fact::Uuid, 1, 1u << 7, uint64_t{1} << 35, named);
    addKey(Fact::Argument, 2, 0, 0, image::kNone, nameIdOf("flags"));
    addKey(Fact::Argument, 2, 1, uint64_t{1} << 63, image::kNone, nameIdOf("name"));
    addKey(Fact::Monitor, 2, 0, 0, image::kNone);
    place(image::hashWhole(hashOf(0, "guest")), list({candidate(0, Fact::Name, 0)}));
    place(hashOf(0, "prod-"), list({candidate(0, Fact::Name, 1)}));
    place(hashSuffixOf(0, "-?x"), named);
    place(hashOf(1, "prod"), list({candidate(1, Fact::Uri, 1)}));
    place(image::hashWhole(hashOf(3, {"\xe8\x03\0\0", 4})), list({candidate(1, Fact::Uid)}));
    place(image::hashWhole(hashOf(5, std::string_view(kAllBits, 8))), list({candidate(2, Fact::Argument)}));
    groups_.push_back({{0, static_cast<uint32_t>(keys_.size())}, list({candidate(2, Fact::Uid)}), 0, 15, 0});
  }

  // The rules on each kind of condition, in a list; all further facts that can lead to rules lead to two of them.
  void writeFurtherGroup() {
    using image::Fact;
    std::vector<image::Candidate> all;
    for (uint32_t rule = 3; rule < rules_.size(); ++rule) all.push_back(candidate(rule, Fact::Uid));
    const uint32_t root = list(all);
    const uint32_t found = list({candidate(3, Fact::Executable, 1), candidate(4, Fact::Actor, image::kNone, 1)});
    const uint32_t firstKey = static_cast<uint32_t>(keys_.size());
    const uint32_t firstSlot = static_cast<uint32_t>(slots_.size());
    slots_.resize(firstSlot + 16, {0, image::kNone});
    for (const Fact fact : {Fact::Auid, Fact::Executable, Fact::Command, Fact::Terminal, Fact::Label, Fact::Actor,
                            Fact::Transport, Fact::Host}) {
      addKey(fact, 3, 1u << 4, 1u << 1, found);
      const uint32_t position = static_cast<uint32_t>(keys_.size()) - firstKey - 1;
      const uint64_t hash = hashOf(position, "prod-");
      uint64_t at = hash & 15;
      while (slots_[firstSlot + at].first != image::kNone) at = (at + 1) & 15;
      slots_[firstSlot + at] = {static_cast<uint32_t>(hash >> 32), found};
    }
    groups_.push_back({{firstKey, 8}, root, firstSlot, 15, 0});
  }

  static constexpr char kAllBits[] = "\xff\xff\xff\xff\xff\xff\xff\xff";

  void addKey(image::Fact fact, uint32_t firstRule, uint64_t prefixes, uint64_t suffixes, uint32_t unknown,
              uint16_t argument = 0) {
    keys_.push_back({prefixes, suffixes, ~uint64_t{0}, firstRule, unknown, argument, fact, 0, 0});
  }

  static uint64_t hashOf(uint32_t key, std::string_view text) {
    uint64_t hash = image::hashKey(key);
    for (const char byte : text) hash = image::hashByte(hash, static_cast<uint8_t>(byte));
    return hash;
  }

  static uint64_t hashSuffixOf(uint32_t key, std::string_view text) {
    uint64_t hash = image::hashSuffixStart(image::hashKey(key));
    for (size_t i = text.size(); i > 0; --i) hash = image::hashByte(hash, static_cast<uint8_t>(text[i - 1]));
    return hash;
  }

  void place(uint64_t hash, uint32_t first) {
    size_t at = hash & 15;
    while (slots_[at].first != image::kNone) at = (at + 1) & 15;
    slots_[at] = {static_cast<uint32_t>(hash >> 32), first};
  }

  void writeFunctions() {
    const int suspend = static_cast<int>(virtshim::findFunction("virDomainSuspend"));
    for (int i = 0; i < virtshim::kFunctionCount; ++i) {
      const uint32_t group = i == suspend ? 0 : i % 2;
      functions_.push_back({group, group, 0xffff, 2, 0});
    }
  }

  template <typename T>
  static image::Section add(Image *out, const std::vector<T> &items) {
    const image::Section section = {static_cast<uint32_t>(out->size() * 8), static_cast<uint32_t>(items.size())};
    const size_t bytes = items.size() * sizeof(T);
    out->resize(out->size() + (bytes + 7) / 8);
    memcpy(bytesOf(*out) + section.offset, items.data(), bytes);
    return section;
  }

  Image assemble() {
    Image out((sizeof(image::Header) + sizeof(image::Body)) / 8);
    image::Body body = {};
    body.audit = image::kAuditNetlink;
    body.name = text("seed");
    body.trail = 0;
    body.functions = add(&out, functions_);
    body.groups = add(&out, groups_);
    body.keys = add(&out, keys_);
    body.candidates = add(&out, candidates_);
    body.slots = add(&out, slots_);
    body.rules = add(&out, rules_);
    body.ids = add(&out, ids_);
    body.globRefs = add(&out, globRefs_);
    body.globs = add(&out, globs_);
    body.arguments = add(&out, arguments_);
    body.conditions = add(&out, conditions_);
    body.parameters = add(&out, parameters_);
    body.xmlTests = add(&out, xmlTests_);
    body.windows = add(&out, windows_);
    body.transitions = add(&out, transitions_);
    body.rates = add(&out, rates_);
    body.strings = add(&out, strings_);
    memcpy(bytesOf(out) + sizeof(image::Header), &body, sizeof body);
    seal(bytesOf(out), out.size() * 8);
    return out;
  }
};

}  // namespace policy_test
