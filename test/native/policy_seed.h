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
    writeGroup();
    writeFunctions();
    return assemble();
  }

 private:
  std::vector<image::Function> functions_;
  std::vector<image::Group> groups_;
  std::vector<image::Candidate> candidates_;
  std::vector<image::Slot> slots_;
  std::vector<image::Rule> rules_;
  std::vector<uint32_t> ids_ = {0, 1000, 5};
  std::vector<uint32_t> globRefs_ = {0, 1, 2};
  std::vector<image::Glob> globs_;
  std::vector<image::Argument> arguments_;
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

  void writeGroup() {
    image::Group group = {};
    group.prefixLengths = 1u << 4 | 1u << 1;
    group.flags = image::kGroupExactNames | image::kGroupUids | image::kGroupUuids;
    group.all = list({{0, image::kNone, 0xffff, 0}, {1, image::kNone, 1, 0}, {2, image::kNone, 2, 0}});
    group.root = list({{2, image::kNone, 0xffff, 0}});
    slots_.assign(8, {0, image::kNone});
    group.slotMask = 7;
    place(image::hashWhole(hashOf("guest")), list({{0, 0, 0xffff, 0}}));
    place(hashOf("prod-"), list({{0, 1, 0xffff, 0}}));
    place(image::hashUid(1000), list({{1, image::kNone, 0xffff, 0}}));
    groups_.push_back(group);
  }

  static uint64_t hashOf(const char *string) {
    uint64_t hash = image::kHashStart;
    for (; *string != '\0'; ++string) hash = image::hashByte(hash, static_cast<uint8_t>(*string));
    return hash;
  }

  void place(uint64_t hash, uint32_t first) {
    size_t at = hash & 7;
    while (slots_[at].first != image::kNone) at = (at + 1) & 7;
    slots_[at] = {static_cast<uint32_t>(hash >> 32), first};
  }

  void writeFunctions() {
    for (int i = 0; i < virtshim::kFunctionCount; ++i) functions_.push_back({0, 0, 0xffff, 2, 0});
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
    body.candidates = add(&out, candidates_);
    body.slots = add(&out, slots_);
    body.rules = add(&out, rules_);
    body.ids = add(&out, ids_);
    body.globRefs = add(&out, globRefs_);
    body.globs = add(&out, globs_);
    body.arguments = add(&out, arguments_);
    body.strings = add(&out, strings_);
    memcpy(bytesOf(out) + sizeof(image::Header), &body, sizeof body);
    seal(bytesOf(out), out.size() * 8);
    return out;
  }
};

}  // namespace policy_test
