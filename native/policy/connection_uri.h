// Where a connection leads, as libvirt reads it from the URI: through which driver, over what, to which host.
//
// Follows virURIParse (libxml2's RFC 3986 parser), remoteSplitURIScheme and doRemoteOpen of libvirt 9. What could be
// read in two ways leaves all three facts unknown.
#pragma once

#include <cstddef>
#include <string_view>

#include "policy/policy.h"

namespace virtshim::policy {

class ConnectionUri {
 public:
  // Whether the process itself serves the connections of a driver, as a daemon of libvirt does.
  using ServedHere = bool (*)(std::string_view driver);

  explicit ConnectionUri(std::string_view uri, ServedHere servedHere = nullptr);

  // The driver that does the work: of `name=` where libvirt's server is told so. Unknown where the server chooses.
  MaybeString driver() const { return {driverKnown_, {driver_, driverSize_}}; }
  // "in-process", "unix", "tls", "tcp", "ssh", "libssh", "libssh2" or "ext".
  MaybeString transport() const { return {!transport_.empty(), transport_}; }
  // Lower-case, addresses in their usual spelling; "" for this host without a network in between.
  MaybeString host() const { return {hostKnown_, {host_, hostSize_}}; }

 private:
  struct Parts;
  struct Parameters;

  void setDriver(std::string_view driver);
  void setHost(std::string_view host);
  void decideTransport(const Parts &parts, const Parameters &parameters, ServedHere servedHere);
  void decideNetworked(std::string_view transport, const Parts &parts);
  void takeServersName(std::string_view name);

  static bool split(std::string_view uri, Parts *parts);
  static bool splitAuthority(std::string_view authority, Parts *parts);
  static bool readParameters(std::string_view query, Parameters *parameters);

  bool driverKnown_ = false;
  bool hostKnown_ = false;
  size_t driverSize_ = 0;
  size_t hostSize_ = 0;
  std::string_view transport_;
  char driver_[32];
  char host_[256];
};

// Scheme and host of a URI in lower case, in place: neither libvirt nor the network tells them apart by case, globs do.
void foldUri(char *uri, size_t size);

}  // namespace virtshim::policy
