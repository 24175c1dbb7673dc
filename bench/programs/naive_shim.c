// What a shim of this kind looks like when it is written straight down, as the literature shows it: find the next
// function, call it, make the record in one shared buffer, open the log, append, close. No policy, no escaping, no
// chain, no lock: the measure that the shim's own records have to beat.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char record[4096];

static void writeRecord(void) {
  FILE *log = fopen(getenv("NAIVE_LOG"), "a");
  if (!log) return;
  fprintf(log, "%s\n", record);
  fclose(log);
}

static void recordDomainCall(const char *kind, const char *function, virDomainPtr domain, int state) {
  char uuid[VIR_UUID_STRING_BUFLEN];
  virDomainGetUUIDString(domain, uuid);
  memset(record, 0, sizeof record);
  sprintf(record,
          "<%s time=\"%ld\" pid=\"%d\" uid=\"%d\"><event>%s</event><state>%d</state><param><domain><name>%s</name>"
          "<uuid>%s</uuid></domain></param></%s>",
          kind, (long)time(NULL), getpid(), getuid(), function, state, virDomainGetName(domain), uuid, kind);
  writeRecord();
}

int virDomainSuspend(virDomainPtr domain) {
  int (*real)(virDomainPtr) = (int (*)(virDomainPtr))dlsym(RTLD_NEXT, "virDomainSuspend");
  recordDomainCall("methodcall", "virDomainSuspend", domain, 1);
  int result = real(domain);
  recordDomainCall("methodresponse", "virDomainSuspend", domain, result == 0);
  return result;
}

int virDomainResume(virDomainPtr domain) {
  int (*real)(virDomainPtr) = (int (*)(virDomainPtr))dlsym(RTLD_NEXT, "virDomainResume");
  recordDomainCall("methodcall", "virDomainResume", domain, 1);
  int result = real(domain);
  recordDomainCall("methodresponse", "virDomainResume", domain, result == 0);
  return result;
}
