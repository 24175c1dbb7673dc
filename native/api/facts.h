// What is known about each public libvirt function at build time.
//
// The tables themselves are generated (native/generated/facts.cc) from native/api/libvirt.json and classes.json.
// This header is the only vocabulary that the generator, the policy, the pipeline and the records share.
#pragma once

#include <cstdint>

#include "generated/function_ids.h"

namespace virtshim {

enum class Library : uint8_t { Libvirt, LibvirtQemu, LibvirtLxc, LibvirtAdmin };
constexpr int kLibraryCount = 4;

// What kind of call it is: decides the default of its record and the policy set it belongs to.
enum class CallClass : uint8_t {
  Helper,  // memory, errors, event loop, typed parameters: never judged unless a rule names it exactly
  LocalQuery,
  Query,
  Lookup,
  Connection,
  EventReg,
  Control,
  Config,
  Resource,
  GuestAccess,
  DataAccess,
  Secret,
  StreamTransfer,
  Admin,
};
constexpr int kCallClassCount = 14;

enum class ObjectKind : uint8_t {
  None,
  Connect,
  Domain,
  DomainSnapshot,
  DomainCheckpoint,
  Network,
  NetworkPort,
  Interface,
  StoragePool,
  StorageVol,
  Secret,
  NodeDevice,
  NWFilter,
  NWFilterBinding,
  Stream,
  AdmConnect,
  AdmServer,
  AdmClient,
};
constexpr int kObjectKindCount = 18;

// How the 64 bits of an argument slot are to be read.
enum class ArgType : uint8_t {
  Int,
  UInt,
  Long,
  ULong,
  LongLong,
  ULongLong,
  Size,
  Double,
  String,       // const char *, NUL-terminated, may be NULL; read only
  StringList,   // const char **; length in the argument `count`, NULL-terminated where count < 0
  TypedParams,  // virTypedParameterPtr that the function reads; length in the argument `count`
  IntList,      // int * / unsigned int * that the function reads; length in the argument `count`
  Uuid,         // const unsigned char * of VIR_UUID_BUFLEN (16) bytes that the function reads
  Bytes,        // other buffers that the function reads; recorded by their length only
  Object,       // a libvirt object, its kind in `object`
  Out,          // memory that the function fills or frees; never read by the shim
  Callback,
  Opaque,  // pointers whose contents are of no concern to policy or records
};

struct ArgFacts {
  const char *name;  // as in libvirt's prototype
  uint16_t nameId;   // the same for arguments of the same name; index into kArgNames
  ArgType type;
  ObjectKind object;  // for ArgType::Object, else None
  int8_t count;       // index of the argument that holds the length of this one, or -1
  bool secret;        // the whole value is a secret: never recorded, only its keyed digest
};

enum class ReturnType : uint8_t {
  Void,
  Int,
  UInt,
  ULong,
  LongLong,
  ULongLong,
  Pointer,      // a libvirt object or other pointer
  String,       // char *, owned by the caller
  ConstString,  // const char *, owned by libvirt
};

// Which return value means that the call failed; also what a refused call returns.
enum class Failure : uint8_t {
  None,      // cannot fail (void)
  Negative,  // int: any value below 0; refused calls return -1
  MinusOne,  // int, unsigned, long long: exactly -1 (stream calls return -2 and -3 without failing)
  Zero,      // 0
  Null,      // NULL
};

// When a permission check of a function applies, after libvirt's @acl annotations.
enum class FlagCondition : uint8_t {
  Always,
  AllSet,   // (flags & mask) == mask
  NoneSet,  // (flags & mask) == 0
  Equals,   // an argument other than flags == mask: virDomainInterfaceAddresses asks the guest only for one `source`
};

struct AclCheck {
  uint16_t permission;  // index into kPermissionNames
  FlagCondition condition;
  uint32_t mask;
  int8_t arg;  // index of the argument that the condition reads: flagsArg, another one for Equals, -1 for Always
};

struct FunctionFacts {
  const char *name;
  const char *since;  // libvirt version that brought it, "0.1.0"
  const ArgFacts *args;
  const AclCheck *checks;
  Library library;
  CallClass callClass;
  ReturnType returns;
  Failure failure;
  bool stateChanging;  // leaves a methodcall and a methodresponse record by default
  uint8_t argCount;
  uint8_t checkCount;
  int8_t flagsArg;     // index of the `flags` argument, or -1
  int8_t resourceArg;  // index of the object that the call acts on, or -1
  int8_t connectArg;   // index of the virConnectPtr argument, or -1
  ObjectKind object;   // kind of args[resourceArg]; for functions without one: the kind that the call makes or looks up
  ObjectKind returnsObject;  // kind of the object returned, or None
};

constexpr int kMaxArgs = 12;
constexpr int kMaxChecks = 8;
constexpr uint16_t kNoPermission = 0xffff;

extern const FunctionFacts kFunctions[kFunctionCount];
extern const char *const kArgNames[];
extern const uint16_t kArgNameCount;
extern const char *const kPermissionNames[];  // "domain.suspend"
extern const uint16_t kPermissionCount;
extern const char *const kCallClassNames[kCallClassCount];    // "local-query"
extern const char *const kObjectKindNames[kObjectKindCount];  // "storage-vol"
extern const char *const kLibrarySonames[kLibraryCount];      // "libvirt.so.0"

// Identifies the tables: a policy image compiled against others is foreign. First 8 bytes of a SHA-256.
extern const uint64_t kApiFingerprint;
extern const char kApiVersion[];  // "12.8.0"

inline const FunctionFacts &facts(FunctionId id) { return kFunctions[static_cast<uint16_t>(id)]; }

// Whether the call opens a connection.
inline bool isOpen(const FunctionFacts &function) { return function.returnsObject == ObjectKind::Connect; }

// Finds a function by its exact name. Returns kNoFunction where libvirt 12.8 has none of that name.
FunctionId findFunction(const char *name);

// One argument or result as the C ABI passed it: integers sign- or zero-extended, doubles by their bits.
union ArgSlot {
  int64_t i;
  uint64_t u;
  double d;
  const void *p;
};

}  // namespace virtshim
