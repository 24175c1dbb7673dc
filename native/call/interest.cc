#include "call/interest.h"

#include <cstdio>

#include "call/held_strings.h"
#include "call/pipeline.h"
#include "call/policies.h"
#include "call/policy_set.h"
#include "call/recorder.h"
#include "libvirt/real.h"
#include "libvirt/unknown_functions.h"

namespace virtshim {

std::atomic<uint8_t> interests[kFunctionCount];

namespace {

void reportUnknownFunctions(Library library) {
  UnknownFunctions unknown = findUnknownFunctions(library);
  if (unknown.count == 0) return;
  char text[1024];
  size_t length =
      static_cast<size_t>(snprintf(text, sizeof text, "%d public functions of %s are not interposed:", unknown.count,
                                   kLibrarySonames[static_cast<int>(library)]));
  for (int i = 0; i < unknown.count && i < kMaxUnknown && length < sizeof text - 64; i++)
    length += static_cast<size_t>(snprintf(text + length, sizeof text - length, " %.48s", unknown.names[i]));
  recordNotice("unknown-api", text, "");
}

// Once per library, when the first of its functions is called: it is certainly loaded then.
void reportLibraryOnce(Library library) {
  static std::atomic<bool> reported[kLibraryCount] = {};
  if (!reported[static_cast<int>(library)].exchange(true)) reportUnknownFunctions(library);
}

// No strings that have to be kept from the program's hands, nothing that the result may still change.
bool isPlain(const FunctionFacts &function, uint8_t bits) {
  if (!(bits & kJudge) || bits & ~(kPrepared | kJudge | kJudgeNested)) return false;
  if (isJudgedByResult(function)) return false;
  for (int i = 0; i < function.argCount; i++) {
    if (isHeld(function.args[i])) return false;
  }
  return true;
}

// Under a host policy even a function that nobody cares about now looks whether the policy was replaced.
bool isWatched(const FunctionFacts &function, uint8_t bits) {
  return bits == kPrepared && function.callClass != CallClass::Helper && policiesInForce().host;
}

uint8_t workOut(FunctionId id) {
  void *real = resolveReal(id);
  if (real) reportLibraryOnce(facts(id).library);
  auto bits = static_cast<uint8_t>(real ? kPrepared | interestUnderPolicies(id) : kPrepared | kMissing);
  if (isPlain(facts(id), bits) || isWatched(facts(id), bits)) bits |= kPlain;
  return bits;
}

}  // namespace

// A byte that was worked out under policies that are no longer in force must not stay: whoever replaces them stores
// first the policies and then a zero in every byte, so this stores first the byte and then asks for the policies.
uint8_t prepareFunction(FunctionId id) {
  loadPolicies();
  while (true) {
    const PolicySet *under = &policiesInForce();
    const uint8_t bits = workOut(id);
    interests[static_cast<uint16_t>(id)].store(bits);
    if (under == &policiesInForce()) return bits;
  }
}

}  // namespace virtshim
