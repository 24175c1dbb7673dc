// Layout of a policy image, byte for byte as docs/policy-image.md describes it. Little-endian, every section aligned
// to 8 bytes, every reference an index or an offset, so that the image can be mapped read-only at any address.
#pragma once

#include <cstddef>
#include <cstdint>

namespace virtshim::policy::image {

constexpr char kMagic[8] = {'V', 'S', 'P', 'O', 'L', 'I', 'C', 'Y'};
constexpr uint32_t kVersion = 1;
constexpr uint32_t kNone = 0xffffffff;
constexpr size_t kAlignment = 8;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t headerSize;
  uint64_t totalSize;
  uint64_t apiFingerprint;
  uint8_t checksum[32];  // SHA-256 of everything after the header
};
static_assert(sizeof(Header) == 64);

// `count` elements from `offset`, which counts from the first byte of the image.
struct Section {
  uint32_t offset;
  uint32_t count;
};

// `count` elements from index `first` of a section; no condition where count is 0.
struct Range {
  uint32_t first;
  uint32_t count;
};

// Flags of Body::audit.
constexpr uint8_t kAuditNetlink = 1;
constexpr uint8_t kAuditFileAlways = 2;

struct Body {
  uint8_t mode;
  uint8_t unknownApi;
  uint8_t onAuditFailure;
  uint8_t audit;
  uint32_t name;   // offset into strings, as the next one
  uint32_t trail;  // of "" where the policy names none
  uint32_t reserved;
  Section functions;
  Section groups;
  Section candidates;
  Section slots;
  Section rules;
  Section ids;       // uint32_t: uids and gids
  Section globRefs;  // uint32_t: indices into globs
  Section globs;
  Section arguments;
  Section strings;  // bytes; the last one is NUL
};
static_assert(sizeof(Body) == 96);

// Masks of checks: bit i is facts(function).checks[i]. The check of a call that needs no permission has its own bit.
constexpr uint16_t kImplicitCheck = 0x8000;

struct Function {
  uint32_t denyGroup;  // index into groups, or kNone
  uint32_t allowGroup;
  uint16_t defaultDeny;  // the checks that are refused where no rule covers them
  uint8_t auditLevel;
  uint8_t reserved;
};
static_assert(sizeof(Function) == 12);

// A rule in the group of a function. Lists of candidates are in file order and end with one that is `last`.
struct Candidate {
  uint32_t rule;
  uint32_t glob;    // in a list found by name: the only glob of the rule's names to be tried; else kNone
  uint16_t checks;  // mask of the function's checks that the rule covers
  uint16_t last;
};
static_assert(sizeof(Candidate) == 12);

constexpr int kMaxPrefix = 64;
constexpr uint32_t kGroupExactNames = 1;
constexpr uint32_t kGroupUids = 2;
constexpr uint32_t kGroupUuids = 4;

// What may match a call of a function: the root list always, the others where hashes of the resource's name, its uuid
// and the caller's uid lead to them.
struct Group {
  uint64_t prefixLengths;  // bit n-1: some name glob is indexed by its first n bytes
  uint32_t all;            // list of all candidates, for names and uuids that are not known; kNone in allow groups
  uint32_t root;           // list of the candidates without an index, or kNone
  uint32_t slots;          // first slot of the open-addressing table
  uint32_t slotMask;       // slots - 1, a power of two less one
  uint32_t flags;
  uint32_t alwaysCovered;  // allow groups: the checks that rules without conditions cover
};
static_assert(sizeof(Group) == 32);

struct Slot {
  uint32_t tag;    // upper half of the hash
  uint32_t first;  // list of candidates, or kNone for a free slot
};

enum class ReadOnly : uint8_t { Any, Only, Never };

struct Rule {
  uint32_t id;     // offset into strings
  uint32_t kinds;  // bit per ObjectKind, 0 for no condition
  Range uids;      // into ids, ascending
  Range gids;
  Range uris;  // into globRefs, as the next ones
  Range drivers;
  Range names;
  Range uuids;
  Range arguments;
  uint8_t effect;
  uint8_t readOnly;
  uint16_t reserved;
};
static_assert(sizeof(Rule) == 68);

enum class GlobForm : uint32_t { Exact, Prefix, General };

// A glob, split at its first wildcard: `literal` has its escapes removed, `rest` keeps them.
struct Glob {
  uint32_t literal;  // offset into strings
  uint32_t literalSize;
  uint32_t rest;
  uint32_t restSize;
  GlobForm form;
};
static_assert(sizeof(Glob) == 20);

enum class Operator : uint8_t { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual, HasAny, HasAll, HasNone };
constexpr uint8_t kOperatorCount = 9;
enum class Operand : uint8_t { Signed, Unsigned, Glob };
constexpr uint8_t kOperandCount = 3;

struct Argument {
  uint16_t nameId;  // index into kArgNames
  Operator op;
  Operand operand;
  uint32_t glob;   // index into globs, or kNone
  uint64_t value;  // two's complement where the operand is signed
};
static_assert(sizeof(Argument) == 16);

// Typed pointers into a checked image.
struct View {
  const Header *header;
  const Body *body;
  const Function *functions;
  const Group *groups;
  const Candidate *candidates;
  const Slot *slots;
  const Rule *rules;
  const uint32_t *ids;
  const uint32_t *globRefs;
  const Glob *globs;
  const Argument *arguments;
  const char *strings;
};

// FNV-1a, which grows byte by byte: one pass over a name gives the hashes of all its prefixes.
constexpr uint64_t kHashStart = 0xcbf29ce484222325;
constexpr uint64_t kHashPrime = 0x100000001b3;
constexpr uint64_t hashByte(uint64_t hash, uint8_t byte) { return (hash ^ byte) * kHashPrime; }

// Names hold no NUL, so a final NUL tells a whole name from a prefix, and leading ones uids and uuids from both.
constexpr uint64_t hashWhole(uint64_t hash) { return hashByte(hash, 0); }
constexpr uint64_t hashUid(uint32_t uid) {
  uint64_t hash = hashByte(kHashStart, 0);
  for (int shift = 0; shift < 32; shift += 8) hash = hashByte(hash, static_cast<uint8_t>(uid >> shift));
  return hash;
}

inline uint64_t hashUuid(const char *uuid, size_t size) {
  uint64_t hash = hashByte(hashByte(kHashStart, 0), 0);
  for (size_t i = 0; i < size; ++i) hash = hashByte(hash, static_cast<uint8_t>(uuid[i]));
  return hash;
}

}  // namespace virtshim::policy::image
