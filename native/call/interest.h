// One byte per function says what the pipeline has to do for it. kPrepared alone means nothing: the wrapper jumps
// straight to the real function. Zero, which the table starts with, means that the function was never called yet.
#pragma once

#include <atomic>
#include <cstdint>

#include "api/facts.h"

namespace virtshim {

enum Interest : uint8_t {
  kPrepared = 1,     // the real function was looked for and the policies are loaded
  kMissing = 2,      // the installed libvirt lacks the function
  kJudge = 4,        // some rule or default may refuse a call by the program
  kJudgeNested = 8,  // some deny rule may refuse a call by libvirt itself
  kRecord = 16,      // leaves a methodresponse
  kRecordCall = 32,  // leaves a methodcall before it
  kConnection = 64,  // opens or closes a connection, whose facts are kept
  kPlain = 128,      // nothing but kJudge and kJudgeNested, if these: see permitsPlainly()
};

extern std::atomic<uint8_t> interests[kFunctionCount];

// Resolves the real function, loads the policies on first use, and stores the function's interest. Thread-safe.
uint8_t prepareFunction(FunctionId id);

inline uint8_t interestOf(FunctionId id) {
  return interests[static_cast<uint16_t>(id)].load(std::memory_order_acquire);
}

}  // namespace virtshim
