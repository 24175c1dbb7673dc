// The lines of audit logs that reports are made of. Most of a log is of no concern to them, and to pass over it is most
// of the work: at the speed of memory here, at a third of it in JavaScript.
#include <cstring>
#include <string_view>

#include "addon/exports.h"
#include "sys/starts_with.h"

namespace virtshim::addon {

namespace {

enum Wanted : uint32_t { kResources = 1, kSecurity = 2 };

class Sieve {
 public:
  // `patience`: so many SYSCALL records pass behind one of security; `syscalls`: so many do now.
  Sieve(uint32_t wanted, uint32_t patience, uint32_t syscalls)
      : wanted_(wanted), patience_(patience), syscalls_(syscalls) {}

  // Lines that do not begin as records of an audit log pass as well: they shall be reported.
  bool passes(std::string_view line) {
    if (startsWith(line, "type=")) return isOfType(line.substr(5));
    if (line.empty() || line[0] != 'n') return true;
    const size_t at = line.find(" type=");
    return at == std::string_view::npos || isOfType(line.substr(at + 6));
  }

  uint32_t syscalls() const { return syscalls_; }

 private:
  bool isOfType(std::string_view type) {
    switch (type.empty() ? 0 : type[0]) {
      case 'V': return isWantedVirt(type);
      case 'S': return startsWith(type, "SYST") || (startsWith(type, "SYSC") && syscalls_ > 0 && syscalls_-- > 0);
      case 'A': return isSecurity(type);
      case 'D': return startsWith(type, "DAE");
      default: return false;
    }
  }

  bool isWantedVirt(std::string_view type) const {
    if (startsWith(type, "VIRT_C")) return true;
    if (startsWith(type, "VIRT_R")) return wanted_ & kResources;
    return startsWith(type, "VIRT_M") && wanted_ != 0;
  }

  bool isSecurity(std::string_view type) {
    if (!(wanted_ & kSecurity) || !(startsWith(type, "AV") || startsWith(type, "AN"))) return false;
    syscalls_ = patience_;
    return true;
  }

  uint32_t wanted_;
  uint32_t patience_;
  uint32_t syscalls_;
};

// auditLines(block, wanted, patience, places, state) -> how many lines are wanted. `block` ends where a line ends, or
// with the file. Each is three numbers in `places`: where it begins, where it ends, and how many lines of the file
// stand before it. `state` is {SYSCALL records to let pass, where in the block to go on, lines so far}: where `places`
// is full, the rest is for the next call.
Napi::Value auditLines(const Napi::CallbackInfo &info) {
  const auto block = info[0].As<Napi::Uint8Array>();
  auto places = info[3].As<Napi::Uint32Array>();
  auto state = info[4].As<Napi::Uint32Array>();
  const char *begin = reinterpret_cast<const char *>(block.Data());
  const char *end = begin + block.ByteLength();
  Sieve sieve(info[1].As<Napi::Number>().Uint32Value(), info[2].As<Napi::Number>().Uint32Value(), state[0]);
  uint32_t line = state[2];
  size_t found = 0;
  const char *at = begin + state[1];
  while (at < end && 3 * found + 3 <= places.ElementLength()) {
    const void *newline = memchr(at, '\n', static_cast<size_t>(end - at));
    const char *stop = newline != nullptr ? static_cast<const char *>(newline) : end;
    if (sieve.passes({at, static_cast<size_t>(stop - at)})) {
      uint32_t *place = places.Data() + 3 * found++;
      place[0] = static_cast<uint32_t>(at - begin);
      place[1] = static_cast<uint32_t>(stop - begin);
      place[2] = line;
    }
    line++;
    at = stop + 1;
  }
  uint32_t *out = state.Data();
  out[0] = sieve.syscalls();
  out[1] = static_cast<uint32_t>((at < end ? at : end) - begin);
  out[2] = line;
  return Napi::Number::New(info.Env(), static_cast<double>(found));
}

}  // namespace

void exportAuditLines(Napi::Env env, Napi::Object exports) {
  exports.Set("auditLines", Napi::Function::New(env, auditLines, "auditLines"));
}

}  // namespace virtshim::addon
