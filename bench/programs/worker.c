// A libvirt program that does as it is told: each line of standard input names a piece of work and how often to do it,
// each line of standard output says how long that took in all, in ns: on the wall and in this thread.
//
// The same program runs bare and under the shim, side by side, so that a benchmark can ask the two in turn.
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "measure.h"

enum { kAuditVirtControl = 2500, kNetlinkAudit = 9, kMaxPayload = 8192 };

static virDomainPtr domain;
static const char *folder;

static void fail(const char *what) {
  fprintf(stderr, "worker: %s: %s\n", what, errno ? strerror(errno) : "failed");
  exit(1);
}

static void getName(long count) {
  for (long i = 0; i < count; i++) {
    if (!virDomainGetName(domain)) fail("virDomainGetName");
  }
}

static void isActive(long count) {
  for (long i = 0; i < count; i++) {
    if (virDomainIsActive(domain) != 1) fail("virDomainIsActive");
  }
}

static void getInfo(long count) {
  virDomainInfo info;
  for (long i = 0; i < count; i++) {
    if (virDomainGetInfo(domain, &info) < 0) fail("virDomainGetInfo");
  }
}

static void getState(long count) {
  int state, reason;
  for (long i = 0; i < count; i++) {
    if (virDomainGetState(domain, &state, &reason, 0) < 0) fail("virDomainGetState");
  }
}

// Pauses and unpauses the guest in turn: `count` state-changing calls, which have to be even.
static void pauseAndResume(long count) {
  for (long i = 0; i < count; i += 2) {
    if (virDomainSuspend(domain) < 0) fail("virDomainSuspend");
    if (virDomainResume(domain) < 0) fail("virDomainResume");
  }
}

// One plain append of `size` bytes, the least that a record could cost.
static int appendFd = -1;

static void appendBytes(long count, size_t size) {
  static char bytes[65536];
  if (size > sizeof bytes) fail("append");
  memset(bytes, 'x', sizeof bytes);
  if (appendFd < 0) {
    char path[4096];
    snprintf(path, sizeof path, "%s/plain.log", folder);
    appendFd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (appendFd < 0) fail(path);
  }
  for (long i = 0; i < count; i++) {
    if (write(appendFd, bytes, size) != (ssize_t)size) fail("write");
  }
}

// One message of `size` bytes of text to the kernel's audit, without asking for its answer: the least that a record
// over netlink could cost.
static int auditSocket = -1;

static void sendText(long count, size_t size) {
  static struct {
    struct nlmsghdr header;
    char text[kMaxPayload];
  } message;
  if (size + 1 > kMaxPayload) fail("socket");
  if (auditSocket < 0) auditSocket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, kNetlinkAudit);
  if (auditSocket < 0) fail("socket");
  memset(message.text, 'x', size);
  memcpy(message.text, "op=bench ", 9);
  message.text[size] = 0;
  message.header.nlmsg_len = NLMSG_LENGTH(size + 1);
  message.header.nlmsg_type = kAuditVirtControl;
  message.header.nlmsg_flags = NLM_F_REQUEST;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  for (long i = 0; i < count; i++) {
    ssize_t sent = sendto(auditSocket, &message, NLMSG_ALIGN(message.header.nlmsg_len), 0, (struct sockaddr *)&kernel,
                          sizeof kernel);
    if (sent < 0) fail("sendto");
  }
}

// Resident memory of this process in KiB: everything, and what is its own alone (written to or copied).
static long residentKiB(const char *key) {
  char line[256];
  long value = -1;
  FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
  if (!rollup) return -1;
  while (fgets(line, sizeof line, rollup)) {
    size_t length = strlen(key);
    if (strncmp(line, key, length) == 0 && line[length] == ':') value = atol(line + length + 1);
  }
  fclose(rollup);
  return value;
}

static void reportMemory(void) {
  long resident = residentKiB("Rss"), dirty = residentKiB("Private_Dirty");
  printf("%ld %ld\n", resident, dirty);
  fflush(stdout);
}

static int perform(const char *work, long count, size_t size) {
  if (strcmp(work, "name") == 0) getName(count);
  else if (strcmp(work, "active") == 0) isActive(count);
  else if (strcmp(work, "info") == 0) getInfo(count);
  else if (strcmp(work, "state") == 0) getState(count);
  else if (strcmp(work, "pause") == 0) pauseAndResume(count);
  else if (strcmp(work, "append") == 0) appendBytes(count, size);
  else if (strcmp(work, "socket") == 0) sendText(count, size);
  else return 0;
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: worker FOLDER\n"), 2;
  folder = argv[1];
  virConnectPtr connection = virConnectOpen("test:///default");
  if (!connection) fail("virConnectOpen");
  domain = virDomainLookupByName(connection, "test");
  if (!domain) fail("virDomainLookupByName");
  char line[128], work[32];
  while (fgets(line, sizeof line, stdin)) {
    long count = 0;
    size_t size = 0;
    if (sscanf(line, "%31s %ld %zu", work, &count, &size) < 1) continue;
    if (strcmp(work, "memory") == 0) {
      reportMemory();
      continue;
    }
    struct Span start = spanStart();
    if (!perform(work, count, size)) fail(work);
    answer(spanSince(start));
  }
  virDomainFree(domain);
  virConnectClose(connection);
  return 0;
}
