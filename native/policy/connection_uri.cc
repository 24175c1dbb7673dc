#include "policy/connection_uri.h"

#include <arpa/inet.h>

#include <cstring>

namespace virtshim::policy {

namespace {

constexpr auto kEnd = std::string_view::npos;
constexpr std::string_view kInProcess = "in-process", kUnix = "unix", kTls = "tls", kTcp = "tcp", kSsh = "ssh",
                           kExt = "ext";
constexpr std::string_view kTransports[] = {kUnix, kTls, kTcp, kSsh, "libssh", "libssh2", kExt};

// Drivers that are part of the client library: those that work on this host, and those that talk to another one
// themselves.
constexpr std::string_view kOwnDrivers[] = {"test", "openvz", "vmwareplayer", "vmwarews", "vmwarefusion"};
constexpr std::string_view kWebDrivers[] = {"esx", "gsx", "vpx", "hyperv"};

template <size_t kCount>
bool isOneOf(std::string_view text, const std::string_view (&list)[kCount]) {
  for (std::string_view each : list) {
    if (text == each) return true;
  }
  return false;
}

// By hand: the C library's answers depend on the program's locale.
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

bool sameIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

int hexValue(char c) {
  if (isDigit(c)) return c - '0';
  return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

// Text with its %-escapes resolved. Not ok where it has no room or holds a NUL, which would end it for libvirt.
template <size_t kSize>
class Decoded {
 public:
  explicit Decoded(std::string_view text) {
    for (size_t i = 0; ok_ && i < text.size(); ++i) {
      const bool escape =
          text[i] == '%' && text.size() - i > 2 && hexValue(text[i + 1]) >= 0 && hexValue(text[i + 2]) >= 0;
      const int byte = escape ? hexValue(text[i + 1]) * 16 + hexValue(text[i + 2]) : text[i];
      if (escape) i += 2;
      ok_ = byte != 0 && size_ < kSize;
      if (ok_) bytes_[size_++] = static_cast<char>(byte);
    }
  }

  bool ok() const { return ok_; }
  std::string_view view() const { return {bytes_, size_}; }

 private:
  bool ok_ = true;
  size_t size_ = 0;
  char bytes_[kSize];
};

size_t schemeSize(std::string_view uri) {
  const size_t size = uri.find(':');
  if (size == kEnd || size == 0 || !isLetter(uri[0])) return 0;
  for (const char c : uri.substr(0, size)) {
    if (!isLetter(c) && !isDigit(c) && c != '+' && c != '-' && c != '.') return 0;
  }
  return size;
}

bool isPort(std::string_view text) {
  for (const char c : text) {
    if (!isDigit(c)) return false;
  }
  return true;
}

bool isHostText(std::string_view text, bool address) {
  for (const char c : text) {
    if (isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == '_') continue;
    if (!address || (c != ':' && c != '%')) return false;
  }
  return true;
}

// One spelling for each address: resolvers take 127.1 and 0x7f.1, too, and an IPv4 address in IPv6's clothes.
const char *usualAddress(const char *text, char (&out)[INET6_ADDRSTRLEN]) {
  in6_addr six;
  in_addr four;
  if (inet_pton(AF_INET6, text, &six) == 1) {
    if (!IN6_IS_ADDR_V4MAPPED(&six)) return inet_ntop(AF_INET6, &six, out, sizeof out);
    return inet_ntop(AF_INET, six.s6_addr + 12, out, sizeof out);
  }
  return inet_aton(text, &four) != 0 ? inet_ntop(AF_INET, &four, out, sizeof out) : nullptr;
}

}  // namespace

struct ConnectionUri::Parts {
  std::string_view driver;     // the scheme up to '+'
  std::string_view transport;  // what follows it
  bool hasTransport = false;
  std::string_view host;  // as written, without brackets
  bool hostIsAddress = false;
  std::string_view path;
  std::string_view query;
};

// The parameters that decide where a connection leads.
struct ConnectionUri::Parameters {
  bool hasName = false;
  std::string_view name;
  bool hasCommand = false;
  std::string_view transport;
};

ConnectionUri::ConnectionUri(std::string_view uri, ServedHere servedHere) {
  Parts parts;
  Parameters parameters;
  if (!split(uri, &parts) || !readParameters(parts.query, &parameters)) return;
  setDriver(parts.driver);
  decideTransport(parts, parameters, servedHere);
  if (parameters.hasName) takeServersName(parameters.name);
}

bool ConnectionUri::split(std::string_view uri, Parts *parts) {
  const size_t size = schemeSize(uri);
  if (size == 0) return false;
  const std::string_view scheme = uri.substr(0, size);
  const size_t plus = scheme.find('+');
  parts->driver = scheme.substr(0, plus);
  parts->hasTransport = plus != kEnd;
  if (parts->hasTransport) parts->transport = scheme.substr(plus + 1);
  uri.remove_prefix(size + 1);
  uri = uri.substr(0, uri.find('#'));
  const size_t question = uri.find('?');
  if (question != kEnd) parts->query = uri.substr(question + 1);
  uri = uri.substr(0, question);
  if (uri.substr(0, 2) != "//") {
    parts->path = uri;
    return true;
  }
  uri.remove_prefix(2);
  const size_t slash = uri.find('/');
  if (slash != kEnd) parts->path = uri.substr(slash);
  return splitAuthority(uri.substr(0, slash), parts);
}

bool ConnectionUri::splitAuthority(std::string_view authority, Parts *parts) {
  const size_t at = authority.find('@');
  if (at != kEnd) authority.remove_prefix(at + 1);
  size_t end = authority.find(':');
  if (!authority.empty() && authority.front() == '[') {
    const size_t bracket = authority.find(']');
    if (bracket == kEnd) return false;
    parts->hostIsAddress = true;
    parts->host = authority.substr(1, bracket - 1);
    end = bracket + 1;
    if (parts->host.empty()) return false;
  } else {
    parts->host = authority.substr(0, end);
  }
  const std::string_view port = end < authority.size() ? authority.substr(end) : std::string_view();
  return port.empty() || (port.front() == ':' && isPort(port.substr(1)));
}

// libvirt takes ';' for a separator where no '&' follows.
bool ConnectionUri::readParameters(std::string_view query, Parameters *parameters) {
  if (query.find(';') != kEnd) return false;
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(parameter.size() < query.size() ? parameter.size() + 1 : query.size());
    const size_t equals = parameter.find('=');
    const std::string_view value = equals == kEnd ? std::string_view() : parameter.substr(equals + 1);
    const Decoded<256> name(parameter.substr(0, equals));
    if (!name.ok()) return false;
    if (sameIgnoringCase(name.view(), "name")) {
      if (parameters->hasName) return false;
      parameters->hasName = true;
      parameters->name = value;
    } else if (sameIgnoringCase(name.view(), "command")) {
      parameters->hasCommand = true;
    } else if (sameIgnoringCase(name.view(), "transport")) {
      if (!parameters->transport.empty() || value.empty()) return false;
      parameters->transport = value;
    }
  }
  return true;
}

// With `remote` the server looks for a driver.
void ConnectionUri::setDriver(std::string_view driver) {
  driverKnown_ = driver.size() <= sizeof driver_ && !sameIgnoringCase(driver, "remote");
  driverSize_ = driverKnown_ ? driver.size() : 0;
  for (size_t i = 0; i < driverSize_; ++i) driver_[i] = lower(driver[i]);
}

void ConnectionUri::setHost(std::string_view host) {
  hostKnown_ = host.size() < sizeof host_;
  hostSize_ = hostKnown_ ? host.size() : 0;
  for (size_t i = 0; i < hostSize_; ++i) host_[i] = lower(host[i]);
  if (hostSize_ > 1 && host_[hostSize_ - 1] == '.') --hostSize_;
  host_[hostSize_ < sizeof host_ ? hostSize_ : 0] = 0;
  char address[INET6_ADDRSTRLEN];
  if (!usualAddress(host_, address)) return;
  hostSize_ = strlen(address);
  memcpy(host_, address, hostSize_);
}

void ConnectionUri::decideTransport(const Parts &parts, const Parameters &parameters, ServedHere servedHere) {
  const std::string_view driver = {driver_, driverSize_};
  if (parts.hasTransport) {
    for (const std::string_view transport : kTransports) {
      if (sameIgnoringCase(transport, parts.transport)) decideNetworked(transport, parts);
    }
    // libvirt runs the program that is named instead of ssh: it may do what it likes.
    if (transport_ == kSsh && parameters.hasCommand) {
      transport_ = kExt;
      hostKnown_ = false;
    }
    return;
  }
  if (!parts.host.empty()) {
    const bool web = isOneOf(driver, kWebDrivers);
    if (!web || parameters.transport.empty() || sameIgnoringCase(parameters.transport, "https"))
      return decideNetworked(driver == "phyp" ? kSsh : kTls, parts);
    if (sameIgnoringCase(parameters.transport, "http")) decideNetworked(kTcp, parts);
    return;
  }
  const Decoded<16> path(parts.path);
  const bool embedded = path.ok() && path.view() == "/embed";
  const bool here = embedded || isOneOf(driver, kOwnDrivers) || (servedHere && servedHere(driver));
  transport_ = here ? kInProcess : kUnix;
  setHost({});
}

void ConnectionUri::decideNetworked(std::string_view transport, const Parts &parts) {
  transport_ = transport;
  if (transport == kExt) return;  // where the program that `command=` names leads, nobody knows
  if (parts.host.empty()) return setHost(transport == kUnix ? std::string_view() : "localhost");
  // Old versions of libvirt took no notice of the host of a socket, new ones refuse it.
  const Decoded<sizeof host_> host(parts.host);
  if (transport != kUnix && host.ok() && isHostText(host.view(), parts.hostIsAddress)) setHost(host.view());
}

// What the server opens instead; that may lead on to another host. Drivers of the client library take no notice, but
// where the library lacks them the URI goes to a server after all.
void ConnectionUri::takeServersName(std::string_view text) {
  const bool web = isOneOf(std::string_view(driver_, driverSize_), kWebDrivers);
  driverKnown_ = false;
  if (transport_ == kInProcess) return;
  const Decoded<256> name(web ? std::string_view() : text);
  Parts parts;
  if (name.ok() && split(name.view(), &parts)) {
    setDriver(parts.driver);
    if (!parts.hasTransport && parts.host.empty()) return;
  }
  hostKnown_ = false;
  transport_ = {};
}

void foldUri(char *uri, size_t size) {
  const size_t scheme = schemeSize({uri, size});
  for (size_t i = 0; i < scheme; ++i) uri[i] = lower(uri[i]);
  std::string_view rest = std::string_view(uri, size).substr(scheme == 0 ? size : scheme + 1);
  if (rest.substr(0, 2) != "//") return;
  const std::string_view authority = rest.substr(2, rest.find_first_of("/?#", 2) - 2);
  const size_t at = authority.find('@');
  char *host = uri + (authority.data() - uri) + (at == kEnd ? 0 : at + 1);
  for (char *end = uri + (authority.data() - uri) + authority.size(); host < end; ++host) *host = lower(*host);
}

}  // namespace virtshim::policy
