// Layout of a policy image, byte for byte as docs/policy-image.md describes it. Little-endian, every section aligned
// to 8 bytes, every reference an index or an offset, so that the image can be mapped read-only at any address.
#pragma once

#include <cstddef>
#include <cstdint>

namespace virtshim::policy::image {

constexpr char kMagic[8] = {'V', 'S', 'P', 'O', 'L', 'I', 'C', 'Y'};
constexpr uint32_t kVersion = 3;
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
  Section keys;
  Section candidates;
  Section slots;
  Section rules;
  Section ids;       // uint32_t: uids and gids
  Section globRefs;  // uint32_t: indices into globs
  Section globs;
  Section arguments;
  Section conditions;
  Section parameters;
  Section xmlTests;
  Section windows;
  Section transitions;
  Section rates;
  Section strings;  // bytes; the last one is NUL
};
static_assert(sizeof(Body) == 152);

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

// What rules are found by: texts; the 4 bytes of a uid; the 8 bytes of an argument that is a number.
enum class Fact : uint8_t {
  Uid,
  Name,
  Uuid,
  Driver,
  Uri,
  Argument,
  Auid,
  Executable,
  Command,
  Terminal,
  Label,
  Actor,
  Transport,
  Host,
  Monitor,
};
constexpr uint8_t kFactCount = 15;

// A rule in the group of a function. Lists of candidates are in file order and end with one that is `last`.
struct Candidate {
  uint32_t rule;
  uint32_t glob;    // in a list found by a glob over `fact`: the only one of the rule's to be tried; else kNone
  uint16_t checks;  // mask of the function's checks that the rule covers
  uint8_t last;
  Fact fact;
};
static_assert(sizeof(Candidate) == 12);

// What may match a call of a function: the root list always, the others where the keys lead to them.
struct Group {
  Range keys;
  uint32_t root;           // list of the candidates without a key, or kNone
  uint32_t slots;          // first slot of the open-addressing table
  uint32_t slotMask;       // slots - 1, a power of two less one
  uint32_t alwaysCovered;  // allow groups: the checks that rules without conditions cover
};
static_assert(sizeof(Group) == 24);

constexpr int kMaxLiteral = 64;
constexpr uint32_t kMaxKeys = 8;

// A fact by which rules of a group are found: those are filed under hashes of literals that the fact must begin with,
// end in, or be. Bit n-1 of a mask: some literal of this form has n bytes.
struct Key {
  uint64_t prefixes;
  uint64_t suffixes;
  uint64_t wholes;
  uint32_t firstRule;  // no rule found by this key comes before it
  uint32_t unknown;    // list of all candidates of the key, for a fact that is not known; kNone in allow groups
  uint16_t argument;   // Fact::Argument: index into kArgNames
  Fact fact;
  uint8_t reserved;
  uint32_t reserved2;
};
static_assert(sizeof(Key) == 40);

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
  Range conditions;  // what the ranges above have no place for; the dearest last
  uint8_t effect;
  uint8_t readOnly;
  uint8_t permissive;  // a deny rule that is recorded, but refuses nothing
  uint8_t reserved;
};
static_assert(sizeof(Rule) == 76);

// Everything that a rule can ask about a call. The first ones have ranges of their own in Rule and stand in
// `conditions` only where they are negated.
enum class ConditionKind : uint8_t {
  Kinds,     // first: bit per ObjectKind
  Argument,  // first: index into arguments
  Uids,      // range of ids, as the other numbers
  Names,     // range of globRefs, as the other texts
  Uuids,
  ReadOnly,  // first: image::ReadOnly
  Drivers,
  Uris,
  Gids,
  Auids,
  Executables,
  Commands,
  Terminals,
  Labels,
  Actors,
  Transports,
  Hosts,
  Parameter,  // first: index into parameters
  Monitor,
  Time,     // range of windows
  XmlFact,  // first: index into xmlTests
  XPath,    // first: offset into strings
  Reason,   // holds where the caller gave a reason; an obligation of allow rules
  Rate,     // first: index into rates
};
constexpr uint8_t kConditionKindCount = 24;

struct Condition {
  ConditionKind kind;
  uint8_t negated;
  uint16_t reserved;
  uint32_t first;
  uint32_t count;
};
static_assert(sizeof(Condition) == 12);

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

// A comparison of the typed parameters whose field a glob matches.
struct Parameter {
  uint32_t field;   // index into globs
  uint16_t nameId;  // the argument that holds them
  Operator op;
  Operand operand;
  uint32_t glob;
  uint32_t reserved;
  uint64_t value;
};
static_assert(sizeof(Parameter) == 24);

// A comparison of the values of an XML fact.
struct XmlTest {
  uint16_t fact;  // index into kXmlFacts
  Operator op;
  Operand operand;
  uint32_t glob;
  uint64_t value;
};
static_assert(sizeof(XmlTest) == 16);

// From `from` to `to` on the given days, in a zone's own time. One that ends before it begins, or at the same minute,
// ends on the next day.
struct Window {
  uint16_t from;  // minutes from midnight, below 1440
  uint16_t to;    // up to 1440
  uint8_t days;   // on which it begins; bit 0 is Monday
  uint8_t reserved[3];
  Range transitions;  // of the zone, ascending; at least one
};
static_assert(sizeof(Window) == 16);
constexpr uint16_t kMinutesOfDay = 1440;
constexpr uint8_t kAllDays = 0x7f;

// What has to be added to UTC from this moment on. The first one of a zone counts for all that came before it, too.
struct Transition {
  int64_t utcSeconds;
  int32_t offsetSeconds;
  uint32_t reserved;
};
static_assert(sizeof(Transition) == 16);
constexpr int32_t kMaxOffset = 86400;

enum class Per : uint8_t { Subject, Host };

// Reached once `calls` calls have been counted in the last `seconds` seconds.
struct Rate {
  uint32_t calls;
  uint32_t seconds;
  Per per;
  uint8_t reserved[7];
  uint64_t key;  // first 8 bytes of SHA-256(policy name, NUL, rule id), so that it outlives a new image
};
static_assert(sizeof(Rate) == 24);

// Typed pointers into a checked image.
struct View {
  const Header *header;
  const Body *body;
  const Function *functions;
  const Group *groups;
  const Key *keys;
  const Candidate *candidates;
  const Slot *slots;
  const Rule *rules;
  const uint32_t *ids;
  const uint32_t *globRefs;
  const Glob *globs;
  const Argument *arguments;
  const Condition *conditions;
  const Parameter *parameters;
  const XmlTest *xmlTests;
  const Window *windows;
  const Transition *transitions;
  const Rate *rates;
  const char *strings;
};

// FNV-1a, which grows byte by byte: one pass over a text gives the hashes of all its prefixes, one from its end those
// of its suffixes.
constexpr uint64_t kHashStart = 0xcbf29ce484222325;
constexpr uint64_t kHashPrime = 0x100000001b3;
constexpr uint64_t hashByte(uint64_t hash, uint8_t byte) { return (hash ^ byte) * kHashPrime; }

// All keys of a group share its table, told apart by their positions.
constexpr uint64_t hashKey(uint32_t position) { return hashByte(kHashStart, static_cast<uint8_t>(position)); }

// Texts hold no NUL, so a final one tells a whole text from a prefix, a leading one suffixes from both.
constexpr uint64_t hashWhole(uint64_t prefix) { return hashByte(prefix, 0); }
constexpr uint64_t hashSuffixStart(uint64_t key) { return hashByte(key, 0); }

}  // namespace virtshim::policy::image
