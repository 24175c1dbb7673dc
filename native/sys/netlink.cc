#include "sys/netlink.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "sys/errno_guard.h"
#include "sys/private_file.h"

namespace virtshim {
namespace {

constexpr int kNetlinkAudit = 9;              // NETLINK_AUDIT
constexpr uint16_t kAuditVirtControl = 2500;  // AUDIT_VIRT_CONTROL
constexpr size_t kMaxText = 8560;             // the kernel cuts longer ones without saying so

FileId g_socketId{};
int g_socket = -1;
uint32_t g_sequence = 0;

// The host may have closed our number and got it again for something else.
bool stillOurs() { return g_socket >= 0 && fileIdOf(g_socket) == g_socketId; }

int openSocket() {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, kNetlinkAudit);
  if (fd < 0) return errno;
  g_socket = moveHigh(fd);
  g_socketId = fileIdOf(g_socket);
  return 0;
}

// The kernel answers inside send(): a refusal is queued already, an acceptance without NLM_F_ACK queues nothing.
int readRefusal(uint32_t sequence) {
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char rest[1024];
  } reply;
  for (int i = 0; i < 16; i++) {
    sockaddr_nl from{};
    socklen_t fromSize = sizeof from;
    ssize_t got =
        recvfrom(g_socket, &reply, sizeof reply, MSG_DONTWAIT, reinterpret_cast<sockaddr *>(&from), &fromSize);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : errno;
    if (fromSize != sizeof from || from.nl_pid != 0) continue;  // not from the kernel
    if (static_cast<size_t>(got) < sizeof reply.header + sizeof reply.error.error) continue;
    if (reply.header.nlmsg_type != NLMSG_ERROR || reply.header.nlmsg_seq != sequence) continue;
    if (reply.error.error != 0) return -reply.error.error;
    return 0;
  }
  return 0;
}

}  // namespace

int netlinkSendVirtControl(const char *text, size_t size) {
  ErrnoGuard guard;
  if (size == 0 || size > kMaxText) return EINVAL;
  if (!stillOurs()) {
    g_socket = -1;
    if (int error = openSocket()) return error;
  }
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(size + 1));
  header.nlmsg_type = kAuditVirtControl;
  header.nlmsg_flags = NLM_F_REQUEST;
  header.nlmsg_seq = ++g_sequence;
  static const char kPadding[NLMSG_ALIGNTO + 1] = {};
  size_t padding = NLMSG_ALIGN(header.nlmsg_len) - header.nlmsg_len + 1;  // with the closing NUL
  iovec parts[3] = {
      {&header, sizeof header}, {const_cast<char *>(text), size}, {const_cast<char *>(kPadding), padding}};
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  msghdr message{};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof kernel;
  message.msg_iov = parts;
  message.msg_iovlen = 3;
  ssize_t sent;
  do sent = sendmsg(g_socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return errno;
  return readRefusal(header.nlmsg_seq);
}

int netlinkProbe() {
  ErrnoGuard guard;
  return stillOurs() ? 0 : openSocket();
}

void netlinkAfterFork() {
  ErrnoGuard guard;
  if (stillOurs()) close(g_socket);
  g_socket = -1;
}

void netlinkClose() { netlinkAfterFork(); }

}  // namespace virtshim
