// libvirt's last error, which it keeps for each thread.
#pragma once

#include <memory>
#include <string>

namespace virtshim::addon {

// The public struct _virError of libvirt's ABI. Strings may be nullptr.
struct LibvirtError {
  int code;
  int domain;
  const char *message;
  int level;
  void *connection;
  void *domainObject;
  const char *str1, *str2, *str3;
  int int1, int2;
  void *network;
};

// The last error of this thread, good until its next libvirt call; nullptr where there is none.
const LibvirtError *lastLibvirtError();

// So that a later call which fails without an error of its own does not show this one.
void resetLastLibvirtError();

// An error with memory of its own.
class KeptError {
 public:
  explicit KeptError(const LibvirtError &error);
  KeptError(const KeptError &) = delete;
  KeptError &operator=(const KeptError &) = delete;

  const LibvirtError &get() const { return error_; }

 private:
  struct Text {
    explicit Text(const char *from) : known(from != nullptr), value(from ? from : "") {}
    const char *get() const { return known ? value.c_str() : nullptr; }

    bool known;
    std::string value;
  };

  Text message_, str1_, str2_, str3_;
  LibvirtError error_;
};

// Takes this thread's last error away with it; nullptr where there is none.
std::unique_ptr<const KeptError> takeLastError();

}  // namespace virtshim::addon
